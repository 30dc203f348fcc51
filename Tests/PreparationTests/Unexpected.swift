import Testing

/// Fails the test with a value that is of another case than was expected.
func unexpected(_ value: (any Error)?, sourceLocation: SourceLocation = #_sourceLocation) {
    Issue.record("unexpected: \(String(describing: value))", sourceLocation: sourceLocation)
}
