import AgentSite
import Console
import Dstack
import GuestAgent
import HTTP
import JSON
import Processes

/// Gets the proof from the guest agent, prints it, and asks again from time to time: the agent may be restarted, and
/// each asking is a new connection to its socket.
struct ProofKeeper: Sendable {
    let state: AgentState
    let source: ProofSource
    let path: String
    let purpose: String
    /// The time between two askings.
    let interval: Duration
    /// The time between two lines of an unchanged proof; zero for one line.
    let repeatProof: Duration
    /// Hears of each request to the guest agent.
    let observer: HTTPObserver
    let diagnostics: Diagnostics
    /// Hears that the program is starting, and has started.
    let service: SystemdNotifier
    /// Called regularly by the thread that keeps running.
    let isAlive: @Sendable () -> Void

    /// Waits for the first proof.
    ///
    /// - Throws: `ProofSourceError` if none has come in time.
    func begin(within timeout: Duration) throws {
        let (diagnostics, service) = (diagnostics, service)
        // An attempt takes ten seconds at most.
        service.tell(.starting(within: .seconds(30)))
        let fetcher = ProofFetcher(query: query(within: timeout), retryFor: timeout) { error, pause in
            diagnostics.warning("\(error); trying again")
            service.tell(.starting(within: pause + .seconds(30)))
        }
        let proof = try fetcher.fetch(from: source)
        state.learn(proof)
        printLine(of: proof)
        service.tell(.ready)
    }

    /// Goes on on a thread of its own.
    ///
    /// - Throws: `ThreadError` if there can be no further thread.
    func goOn() throws(ThreadError) { try Threads.detach(run) }

    private func run() {
        let fetcher = ProofFetcher(query: query(within: .seconds(10)), retryFor: .zero) { _, _ in }
        var shown = (proof: state.proof, at: ContinuousClock.now)
        var isAway = false
        while true {
            rest(for: repeatProof > .zero ? min(interval, repeatProof) : interval)
            isAlive()
            do throws(ProofSourceError) {
                state.learn(try fetcher.fetch(from: source))
                isAway = false
            } catch {
                // Once for each outage: the previous proof stays valid.
                if !isAway { diagnostics.warning("\(error); keeping the previous proof") }
                isAway = true
            }
            let isDue = repeatProof > .zero && ContinuousClock.now - shown.at >= repeatProof
            guard let proof = state.proof, isDue || proof != shown.proof else { continue }
            printLine(of: proof)
            shown = (proof, .now)
        }
    }

    /// Waits, and shows meanwhile that this thread is alive.
    private func rest(for duration: Duration) {
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end {
            isAlive()
            sleep(for: min(end - ContinuousClock.now, service.watchdogInterval.map { $0 / 2 } ?? duration))
        }
    }

    private func query(within timeout: Duration) -> ProofSource.Query {
        ProofSource.Query(path: path, purpose: purpose, timeout: min(timeout, .seconds(10)), observer: observer)
    }

    /// The line that is read from logs. The server continues if the output is closed.
    private func printLine(of proof: Proof) {
        do throws(ConsoleError) {
            try Descriptor.standardOutput.writeLine("PROOF_JSON=\(proof.json.compact)")
        } catch {
            diagnostics.warning("the proof could not be printed: \(error)")
        }
    }
}
