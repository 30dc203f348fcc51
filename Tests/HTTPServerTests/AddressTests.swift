import HTTPServer
import Testing

@Suite struct AddressTests {
    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1", 8080), ("0.0.0.0:0", "0.0.0.0", 0), ("[::]:65535", "::", 65535),
        ("[::1]:80", "::1", 80),
    ])
    func `an address to listen on has a port, and IPv6 brackets`(text: String, host: String, port: Int) throws {
        let address = try ListenAddress(text)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.description == text)
    }

    @Test(arguments: ["", ":", ":80", "80", "::1:80", "[::1]", "[::1]80", "[::1:80", "1.2.3.4", "1.2.3.4:65536", "a:1"])
    func `what is no address to listen on`(text: String) {
        #expect(throws: HTTPServerError.notAnAddress(text)) { try ListenAddress(text) }
    }

    @Test func `an address that IPv6 maps is the IPv4 address`() {
        #expect(IPAddress("::ffff:10.1.2.3") == IPAddress("10.1.2.3"))
        #expect(IPAddress("::10.1.2.3") != IPAddress("10.1.2.3"))
    }

    @Test(arguments: ["", "localhost", "1.2.3", "1.2.3.4.5", "[::1]", "::1%lo", "1.2.3.4\0", "01.2.3.4"])
    func `what is no address`(text: String) { #expect(IPAddress(text) == nil) }

    @Test(arguments: [
        ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], ["11.0.0.0", "9.255.255.255", "a00::"]),
        ("10.1.2.3", ["10.1.2.3"], ["10.1.2.2", "10.1.2.4"]),
        ("10.1.2.128/25", ["10.1.2.128", "10.1.2.255"], ["10.1.2.127", "10.1.3.128"]),
        ("0.0.0.0/0", ["1.2.3.4", "::ffff:1.2.3.4"], ["::1"]),
        ("::/0", ["::1", "fe80::1"], ["127.0.0.1", "::ffff:1.2.3.4"]),
        ("fd00::/8", ["fd12::1"], ["fc00::1", "fe00::"]),
        ("2001:db8::/33", ["2001:db8:7fff::"], ["2001:db8:8000::"]),
        ("::ffff:10.0.0.0/104", ["10.9.9.9", "::ffff:10.9.9.9"], ["11.0.0.0"]),
        ("::ffff:0:0/96", ["1.2.3.4"], ["::1"]),
    ])
    func `a network holds the addresses that begin with its bits`(text: String, inside: [String], outside: [String])
        throws
    {
        let network = try IPNetwork(text)
        for address in inside { #expect(network.contains(try #require(IPAddress(address)))) }
        for address in outside { #expect(!network.contains(try #require(IPAddress(address)))) }
    }

    @Test(arguments: [
        "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0.0/8/8", "fd00::/129",
        "fd00::1/8",
        "::ffff:10.0.0.0/95", "::ffff:10.0.0.0/129", "::ffff:10.0.0.1/104", "10.0.0.0/256", "example.org/8",
    ])
    func `what is no network, or has bits behind its prefix`(text: String) {
        #expect(throws: HTTPServerError.notANetwork(text)) { try IPNetwork(text) }
    }

    @Test(arguments: ["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"])
    func `loopback addresses`(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(IPNetwork.loopback.contains { $0.contains(address) })
    }

    @Test(arguments: ["128.0.0.1", "126.255.255.255", "::", "::2", "0.0.0.0", "::127.0.0.1", "::ffff:128.0.0.1"])
    func `addresses that are not loopback`(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(!IPNetwork.loopback.contains { $0.contains(address) })
    }
}
