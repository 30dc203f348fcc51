import ArgumentParser
package import Console
package import HTTP

/// `--verbose`: whether each request is told.
package struct VerboseOption: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Tell each HTTP request, and what came of it, on standard error.")
    package var verbose = false

    package init() {}

    /// Tells of a program's requests: each on a line if that is wanted, and to a person at a terminal what is waited
    /// for.
    package func observer(_ voice: Voice) -> HTTPObserver {
        let line = StatusLine()
        let isVerbose = verbose
        return { exchange in
            if isVerbose, exchange.outcome != .waiting { voice.note(exchange.description) }
            switch exchange.outcome {
            case .waiting:
                let seconds = exchange.duration.components.seconds
                line.show(seconds > 0 ? "waiting for \(exchange.endpoint) (\(seconds) s)" : nil)
            // It may be asked again.
            case .failed(let error) where error.isTransient: line.show(error.description)
            case .answered(let status, _) where HTTPResponse.isTransient(status: status):
                line.show("\(exchange.endpoint): answered HTTP status \(status)")
            case .answered, .failed: line.end()
            }
        }
    }
}
