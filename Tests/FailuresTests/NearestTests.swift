import Failures
import Testing

@Suite struct NearestTests {
    private static let names = ["isMember", "getMember", "owner", "onboard", "addKmsRoot", "removeKmsRoot"]

    @Test(
        "a name is near that differs by two slips, or has the text in it",
        arguments: [
            ("isMembr", ["isMember"]), ("ISMEMBER", ["isMember"]), ("member", ["isMember", "getMember"]),
            ("kms", ["addKmsRoot", "removeKmsRoot"]), ("addKmRot", ["addKmsRoot"]), ("transfer", []), ("me", []),
            ("", []),
        ] as [(String, [String])])
    func near(text: String, expected: [String]) {
        #expect(text.near(among: Self.names) == expected)
    }
}
