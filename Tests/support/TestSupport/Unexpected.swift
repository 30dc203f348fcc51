package import Testing

/// Fails the test with a value that is not of the expected case.
package func unexpected(_ value: (any Error)?, sourceLocation: SourceLocation = #_sourceLocation) {
    Issue.record("unexpected: \(String(describing: value))", sourceLocation: sourceLocation)
}
