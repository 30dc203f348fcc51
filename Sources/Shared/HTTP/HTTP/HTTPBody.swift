import Failures
package import JSON

/// What stood in a body in place of JSON.
package enum NotJSON: Error, Equatable {
    /// A web page: a gateway's, a login's, or another site's; with its title, if it has one.
    case html(title: String?)
    /// No byte.
    case empty
    /// JSON whose end is missing.
    case truncated
    /// Anything else, with the parser's reason and the first line of the text, if it has one.
    case other(JSONError, text: String?)
}

extension NotJSON: CustomStringConvertible {
    package var description: String {
        switch self {
        case .html(let title): "answered HTML, not JSON" + Self.said(title)
        case .empty: "answered with an empty body, not JSON"
        case .truncated: "answered truncated JSON"
        case .other(let error, let text): "did not answer with JSON (\(error))" + Self.said(text)
        }
    }

    private static func said(_ text: String?) -> String { text.map { ": \($0.quoted(limit: 196))" } ?? "" }
}

extension HTTPResponse {
    /// The body as JSON. What an error repeats of it is free of the endpoint's secrets, which servers quote.
    ///
    /// - Throws: ``NotJSON``.
    package func json(from endpoint: Endpoint) throws(NotJSON) -> JSONValue {
        let first = body.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard let first else { throw .empty }
        guard first != UInt8(ascii: "<") else { throw .html(title: title.map { endpoint.redacting($0) }) }
        do {
            return try JSONParser.parse(body)
        } catch .truncated {
            throw .truncated
        } catch {
            let text = String(decoding: body.prefix(400), as: UTF8.self).firstLine
            throw .other(error, text: text.map { endpoint.redacting($0) })
        }
    }

    /// The server's explanation in its own words: a message in JSON (that of JSON-RPC, of RFC 9457, or an error that is
    /// a sentence), a web page's title, or the first line of a text. It is free of the endpoint's secrets.
    package func explanation(from endpoint: Endpoint) -> String? {
        do throws(NotJSON) {
            let value = try json(from: endpoint)
            let object = (value.array?.first ?? value).object
            let error = object?["error"]
            let texts = [
                error?.object?["message"], error, object?["message"], object?["detail"], object?["title"], value,
            ]
            let text = texts.lazy.compactMap { $0?.string?.firstLine }.first
            return text.map { endpoint.redacting($0) }
        } catch .html(let title) {
            return title
        } catch .other(_, let text) {
            return text
        } catch {
            return nil
        }
    }

    /// What stands between a web page's title tags.
    private var title: String? {
        let text = Array(body.prefix(4096))
        let lowercased = text.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 }
        guard let tag = lowercased.firstRange(of: Array("<title".utf8)),
            let begin = lowercased[tag.upperBound...].firstIndex(of: UInt8(ascii: ">")),
            let end = lowercased[begin...].firstRange(of: Array("</title".utf8))
        else { return nil }
        return String(decoding: text[begin..<end.lowerBound].dropFirst(), as: UTF8.self).firstLine
    }
}

extension String {
    /// The first line with something in it, its white space made single spaces; nil if there is none.
    package var firstLine: String? {
        split(whereSeparator: \.isNewline).lazy
            .map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }.first { !$0.isEmpty }
    }
}
