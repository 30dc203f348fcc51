package import JSON

/// An answer: a JSON document.
package struct ServerResponse: Sendable {
    /// The HTTP status.
    package let status: Int
    /// The document.
    package let body: ResponseBody
    /// Further headers.
    package let headers: [(name: String, value: String)]

    package init(status: Int, body: ResponseBody, headers: [(name: String, value: String)] = []) {
        self.status = status
        self.body = body
        self.headers = headers
    }

    /// 200 with a document, as a line.
    package static func ok(_ json: JSONValue) -> ServerResponse { document(json, status: 200) }

    /// `{"error":"…"}`.
    package static func error(
        _ status: Int, _ sentence: String, headers: [(name: String, value: String)] = []
    ) -> ServerResponse {
        document(.members(["error": .string(sentence)]), status: status, headers: headers)
    }

    /// A document of any status, as a line.
    package static func document(
        _ json: JSONValue, status: Int, headers: [(name: String, value: String)] = []
    ) -> ServerResponse {
        ServerResponse(status: status, body: ResponseBody(Array((json.compact + "\n").utf8)), headers: headers)
    }
}
