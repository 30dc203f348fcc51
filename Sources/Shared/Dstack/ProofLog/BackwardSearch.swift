package import Dstack
import Processes

/// Finds the last proof of a log from the log's end.
///
/// What a candidate is depends only on the bytes between its marker and the next, so the last candidate that is a proof
/// is the one that ``ProofSearch`` finds as the last.
package struct BackwardSearch {
    /// What came of it.
    package enum Outcome: Equatable {
        case proof(Proof), noMarker
        /// No candidate is a proof, or the files became shorter meanwhile: reading forward tells why.
        case unknown
    }

    /// How much is read at a time.
    package struct Sizes {
        /// What is searched for a marker.
        package var block = 256 * 1024
        /// What one thread searches without a pause.
        package var stretch = 4 * 1024 * 1024
        /// What is searched before the candidates in it are judged.
        package var step = 64 * 1024 * 1024

        package init() {}
    }

    private let log: SeekableLog
    private let sizes: Sizes

    package init(_ log: SeekableLog, sizes: Sizes = Sizes()) {
        self.log = log
        self.sizes = sizes
    }

    /// Searches the log.
    ///
    /// - Parameter progress: told again and again how many bytes were searched so far.
    package func run(progress: (Int) -> Void = { _ in }) -> Outcome {
        do throws(SeekableLog.Unreadable) { return try search(progress: progress) } catch { return .unknown }
    }

    private func search(progress: (Int) -> Void) throws(SeekableLog.Unreadable) -> Outcome {
        var judge = Judge()
        var outcome = Outcome.noMarker
        var end = log.byteCount
        while end > 0 {
            // As much again as was searched: the proof is likely to be near the end.
            let target = max(0, end - max(sizes.block, min(log.byteCount - end, sizes.step)))
            // Blocks that begin where pages do are read faster.
            let start = target - target % sizes.block
            let stretches = Self.pieces(of: start..<end, size: sizes.stretch)
            let marked = try stretches.mapInParallel { stretch throws(SeekableLog.Unreadable) in
                try markedBlocks(in: stretch)
            }
            for block in marked.joined().reversed() {
                switch try search(block, &judge) {
                case .proof(let proof): return .proof(proof)
                case .unknown: outcome = .unknown
                case .noMarker: break
                }
            }
            end = start
            progress(log.byteCount - end)
        }
        return outcome
    }

    /// The blocks in which a marker begins, or may begin with their last bytes; in their order.
    private func markedBlocks(in stretch: Range<Int>) throws(SeekableLog.Unreadable) -> [Range<Int>] {
        var buffer = [UInt8](repeating: 0, count: min(sizes.block, stretch.count))
        var marked: [Range<Int>] = []
        for block in Self.pieces(of: stretch, size: sizes.block) {
            let count = try log.read(block, into: &buffer)
            var marker = Marker()
            if marker.skip(buffer.span.extracting(first: count)) != nil || marker.matched > 0 { marked.append(block) }
        }
        return marked
    }

    /// Judges the candidates whose markers begin in the block, from the last.
    private func search(_ block: Range<Int>, _ judge: inout Judge) throws(SeekableLog.Unreadable) -> Outcome {
        let reach = min(Marker.overlap + Candidate.byteLimit, log.byteCount - block.upperBound)
        var buffer = [UInt8](repeating: 0, count: block.count + reach)
        let count = try log.read(block.lowerBound..<(block.upperBound + reach), into: &buffer)
        let bytes = buffer.span.extracting(first: count)
        var markerEnds: [Int] = []
        var marker = Marker()
        var position = 0
        while let count = marker.skip(bytes.extracting(position...)) {
            position += count
            markerEnds.append(position)
        }
        var outcome = Outcome.noMarker
        var textEnd = bytes.count
        for markerEnd in markerEnds.reversed() {
            if markerEnd - Marker.text.utf8CodeUnitCount < block.count {
                let text = bytes.extracting(markerEnd..<textEnd)
                let finding = Candidate.finding(in: text, at: Place(line: 1, offset: 0), &judge)
                if case .proof(let proof, _) = finding { return .proof(proof) }
                outcome = .unknown
            }
            textEnd = markerEnd - 1
        }
        return outcome
    }

    private static func pieces(of range: Range<Int>, size: Int) -> [Range<Int>] {
        stride(from: range.lowerBound, to: range.upperBound, by: size).map { $0..<min($0 + size, range.upperBound) }
    }
}
