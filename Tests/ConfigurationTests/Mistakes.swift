import Testing

// What a person reads when a configuration is wrong: the exact texts, one case per mistake. A
// change here is a change of the product, and should be read as one.

/// A mistake, and what is said about it (without the file's name and the excerpt).
struct Mistake: Sendable, CustomTestStringConvertible {
  var name: String
  var text: String
  var expected: String

  init(_ name: String, _ text: String, _ expected: String) {
    self.name = name
    self.text = text
    self.expected = expected
  }

  var testDescription: String { name }
}

extension Mistake {
  static let aboutText: [Mistake] = [
    Mistake(
      "empty file",
      "",
      "the file says nothing; `sluice init` writes a commented configuration to start from"),
    Mistake(
      "only comments",
      "# nothing\n\n",
      "the file says nothing; `sluice init` writes a commented configuration to start from"),
    Mistake(
      "only null",
      "~",
      "the file says nothing; `sluice init` writes a commented configuration to start from"),
    Mistake(
      "a list",
      "- a\n- b\n",
      "1:1: expected a mapping (listeners, identity, servers, profiles, policies, audit, …), found a list"
    ),
    Mistake(
      "a word",
      "x",
      "1:1: expected a mapping (listeners, identity, servers, profiles, policies, audit, …), found a single value"
    ),
    Mistake(
      "tab",
      "listeners:\n\t- address: 1\n",
      "2:1: this character cannot stand here; indent with spaces (YAML has no tabs) and quote values that begin with @, ` or %"
    ),
    Mistake(
      "NUL byte",
      "listeners: \u{0}\n",
      "1:12: a NUL byte stands here; a configuration is plain UTF-8 text"),
    Mistake(
      "control character",
      "a: \"b\u{1}c\"\n",
      "1:6: the control character 1 stands here; a configuration is plain UTF-8 text"),
    Mistake(
      "unclosed list",
      "listeners: [\n",
      "2:1: a value was expected here"),
    Mistake(
      "unclosed mapping",
      "listeners: { a: b\nc: d\n",
      "2:2: a comma or the closing bracket is missing; quote a value that holds one of , : { } [ ]"),
    Mistake(
      "unclosed quote",
      "a: \"b\n",
      "2:1: the file ends inside a quoted text; its closing quote is missing"),
    Mistake(
      "indentation",
      "listeners:\n  - address: x\n identity: y\n",
      "3:2: a key was expected here; check the indentation of this line and the one above"),
    Mistake(
      "stray colon",
      "a: b: c\n",
      "1:5: a \": \" cannot stand here; check the indentation of this line, or quote the value"),
    Mistake(
      "two documents",
      "a: b\n---\na: b\n",
      "2:1: a second document begins here (---); the file has one"),
    Mistake(
      "duplicate key",
      "audit: { directory: /x }\naudit: { directory: /y }\n",
      "1:1: \"audit\" is written more than once in this mapping (first here); keep one of them"),
    Mistake(
      "duplicate key inside",
      "audit: { directory: /x, directory: /y }\n",
      "1:10: \"directory\" is written more than once in this mapping (first here); keep one of them"
    ),
    Mistake(
      "star",
      "tools: [*]\n",
      "1:10: a * or & without quotes means something else in YAML; quote it: \"*\""),
    Mistake(
      "star before a name",
      "tools: [*_list]\n",
      "1:9: a * at the beginning of a value means something else in YAML; quote it: \"*\""),
    Mistake(
      "anchor and alias",
      "a: &x [1]\nb: *x\n",
      "1:4: anchors and aliases (&name, *name) are not used here: write the value out; if the & belongs to it, quote it"
    ),
    Mistake(
      "anchor",
      "a: &x [1]\n",
      "1:4: anchors and aliases (&name, *name) are not used here: write the value out; if the & belongs to it, quote it"
    ),
    Mistake(
      "at sign",
      "a: @foo\n",
      "1:4: this character cannot stand here; indent with spaces (YAML has no tabs) and quote values that begin with @, ` or %"
    ),
    Mistake(
      "percent",
      "a: %foo\n",
      "1:4: this character cannot stand here; indent with spaces (YAML has no tabs) and quote values that begin with @, ` or %"
    ),
    Mistake(
      "directive",
      "%FOO\n---\na: b\n",
      "1:5: not valid YAML: found unknown directive name"),
    Mistake(
      "tag",
      "a: !foo x\n",
      "1:4: tags (!name) are not used here: write the plain value"),
    Mistake(
      "complex key",
      "? [a]\n: b\n",
      "1:3: a key must be a single word, and not a list or a mapping"),
    Mistake(
      "merge key",
      "<<: {a: b}\n",
      "1:1: <<: unknown key \"<<\"; known here: listeners, identity, servers, profiles, policies, audit, limits, workers, log\n1:1: the key \"listeners\" is missing: the addresses at which agents reach the gateway\n1:1: the key \"identity\" is missing: who may call: how callers prove who they are\n1:1: the key \"servers\" is missing: the MCP servers behind the gateway, by name\n1:1: the key \"profiles\" is missing: permission profiles, by name: who may use what; everything else is refused\n1:1: the key \"audit\" is missing: where and how every call is recorded"
    ),
  ]

  static let aboutKeys: [Mistake] = [
    Mistake(
      "unknown with suggestion",
      Sample(listeners: "listener: [{ address: 127.0.0.1:8080 }]").text,
      "1:1: listener: unknown key \"listener\"; did you mean \"listeners\"?"),
    Mistake(
      "case",
      Sample(servers: "Servers:\n  orders: { url: \"http://127.0.0.1:9000/mcp\" }").text,
      "5:1: Servers: unknown key \"Servers\"; did you mean \"servers\"?"),
    Mistake(
      "swapped letters",
      Sample(servers: "servers:\n  orders: { ulr: \"http://127.0.0.1:9000/mcp\" }").text,
      "6:13: servers.orders.ulr: unknown key \"ulr\"; did you mean \"url\"?"),
    Mistake(
      "hyphen for underscore",
      Sample(audit: "audit: { directory: /x, on-failure: fail_closed }").text,
      "9:25: audit.on-failure: unknown key \"on-failure\"; did you mean \"on_failure\"?"),
    Mistake(
      "unknown without suggestion",
      Sample(rest: "zebra: 1").text,
      "10:1: zebra: unknown key \"zebra\"; known here: listeners, identity, servers, profiles, policies, audit, limits, workers, log"
    ),
    Mistake(
      "later versions",
      Sample(rest: "store: sqlite:./x\nsinks: []\nconsole: {}\ninclude: x\n").text,
      "10:1: store: \"store\" is not available in this version: it keeps approvals, which come with a later version; leave it out\n11:1: sinks: \"sinks\" is not available in this version: records are written to audit.directory; read them with `sluice audit`\n12:1: console: \"console\" is not available in this version: leave it out\n13:1: include: \"include\" is not available in this version: write everything into one file"
    ),
    Mistake(
      "all missing",
      "log: {}\n",
      "1:1: the key \"listeners\" is missing: the addresses at which agents reach the gateway\n1:1: the key \"identity\" is missing: who may call: how callers prove who they are\n1:1: the key \"servers\" is missing: the MCP servers behind the gateway, by name\n1:1: the key \"profiles\" is missing: permission profiles, by name: who may use what; everything else is refused\n1:1: the key \"audit\" is missing: where and how every call is recorded"
    ),
    Mistake(
      "value missing",
      Sample(listeners: "listeners:").text,
      "1:11: listeners: expected a list, found nothing"),
  ]

  static let aboutListeners: [Mistake] = [
    Mistake(
      "name",
      Sample(listeners: "listeners: [{ address: localhost:8080 }]").text,
      "1:24: listeners[0].address: \"localhost\" is not an IP address; for localhost write 127.0.0.1:8080"
    ),
    Mistake(
      "star",
      Sample(listeners: "listeners: [{ address: '*:80' }]").text,
      "1:24: listeners[0].address: which address? Write 127.0.0.1:80 for this machine only, 0.0.0.0:… or [::]:… for all"
    ),
    Mistake(
      "no host",
      Sample(listeners: "listeners: [{ address: ':80' }]").text,
      "1:24: listeners[0].address: which address? Write 127.0.0.1:80 for this machine only, 0.0.0.0:… or [::]:… for all"
    ),
    Mistake(
      "no port",
      Sample(listeners: "listeners: [{ address: 127.0.0.1 }]").text,
      "1:24: listeners[0].address: \"127.0.0.1\" has no port; write an address and a port, such as 127.0.0.1:8080"
    ),
    Mistake(
      "port zero",
      Sample(listeners: "listeners: [{ address: 127.0.0.1:0 }]").text,
      "1:24: listeners[0].address: \"0\" is not a port; expected a number from 1 to 65535"),
    Mistake(
      "port too high",
      Sample(listeners: "listeners: [{ address: 127.0.0.1:65536 }]").text,
      "1:24: listeners[0].address: \"65536\" is not a port; expected a number from 1 to 65535"),
    Mistake(
      "port not a number",
      Sample(listeners: "listeners: [{ address: 127.0.0.1:8O80 }]").text,
      "1:24: listeners[0].address: \"8O80\" is not a port; expected a number from 1 to 65535"),
    Mistake(
      "bare IPv6",
      Sample(listeners: "listeners: [{ address: '::1:80' }]").text,
      "1:24: listeners[0].address: an IPv6 address stands in brackets before its port: [::1]:8080"),
    Mistake(
      "five numbers",
      Sample(listeners: "listeners: [{ address: 1.2.3.4.5:80 }]").text,
      "1:24: listeners[0].address: \"1.2.3.4.5\" is not an IP address; host names are not looked up for listeners"
    ),
    Mistake(
      "IPv4 in brackets",
      Sample(listeners: "listeners: [{ address: '[127.0.0.1]:80' }]").text,
      "1:24: listeners[0].address: \"127.0.0.1\" is not an IP address; host names are not looked up for listeners"
    ),
    Mistake(
      "only a port",
      Sample(listeners: "listeners: [{ address: 8080 }]").text,
      "1:24: listeners[0].address: \"8080\" has no port; write an address and a port, such as 127.0.0.1:8080"
    ),
    Mistake(
      "a list",
      Sample(listeners: "listeners: [{ address: [a] }]").text,
      "1:24: listeners[0].address: expected an address and a port, such as 127.0.0.1:8080 or [::1]:8080, found a list"
    ),
    Mistake(
      "host name",
      Sample(listeners: "listeners: [{ address: example.com:80 }]").text,
      "1:24: listeners[0].address: \"example.com\" is not an IP address; host names are not looked up for listeners"
    ),
    Mistake(
      "mapping for list",
      Sample(listeners: "listeners: { address: 127.0.0.1:80 }").text,
      "1:12: listeners: expected a list, found a mapping"),
    Mistake(
      "scalar for list",
      Sample(listeners: "listeners: 127.0.0.1:80").text,
      "1:12: listeners: expected a list, found a single value; write [127.0.0.1:80]"),
    Mistake(
      "empty list",
      Sample(listeners: "listeners: []").text,
      "1:12: listeners: this list needs at least one element"),
    Mistake(
      "no address",
      Sample(listeners: "listeners: [{}]").text,
      "1:13: listeners[0]: the key \"address\" is missing: IP address and port, such as 127.0.0.1:8080 (this machine only) or 0.0.0.0:8080 (flag --listen)"
    ),
    Mistake(
      "same port",
      Sample(listeners: "listeners: [{ address: 127.0.0.1:80 }, {address: 0.0.0.0:80}]").text,
      "1:50: listeners[1].address: the same port as listeners[0].address; keep one of them"),
    Mistake(
      "tls",
      Sample(listeners: "listeners: [{ address: 127.0.0.1:80, tls: { certificate: x } }]").text,
      "1:38: listeners[0].tls: \"tls\" is not available in this version: TLS comes with the next version; until then listen on loopback behind a TLS terminator"
    ),
  ]

  static let aboutIdentity: [Mistake] = [
    Mistake(
      "nobody",
      Sample(identity: "identity: {}").text,
      "2:11: identity: nobody could call: list at least one of service_accounts (`sluice key` makes a key)"
    ),
    Mistake(
      "anonymous beyond loopback",
      Sample(
        listeners: "listeners: [{ address: 127.0.0.1:80 }, {address: 0.0.0.0:81}]",
        identity: "identity: { anonymous: { groups: [staff] } }"
      ).text,
      "2:24: identity.anonymous: listeners[1] (0.0.0.0:81) can be reached from other machines, and calls without a credential are let in on loopback only; listen on 127.0.0.1, or leave this out and use service_accounts"
    ),
    Mistake(
      "anonymous without groups",
      Sample(identity: "identity: { anonymous: {} }").text,
      "2:24: identity.anonymous: the key \"groups\" is missing: the groups that callers without a credential belong to"
    ),
    Mistake(
      "oidc",
      Sample(identity: "identity: { oidc: [] }").text,
      "2:13: identity.oidc: \"oidc\" is not available in this version: single sign-on comes with a later version; use service_accounts"
    ),
    Mistake(
      "API key for hash",
      Sample(
        identity: "identity:\n  service_accounts:\n    - { name: a, key_sha256: sluice_abcdefgh }"
      ).text,
      "4:30: identity.service_accounts[0].key_sha256: this is an API key, and not its hash: treat the key as lost, make a new one with `sluice key` and write the SHA-256 it prints"
    ),
    Mistake(
      "short hash",
      Sample(identity: "identity:\n  service_accounts:\n    - { name: a, key_sha256: abcdef }")
        .text,
      "4:30: identity.service_accounts[0].key_sha256: expected the SHA-256 of an API key, 64 hexadecimal digits; `sluice key` makes a key and prints it"
    ),
    Mistake(
      "hash not hexadecimal",
      Sample(
        identity:
          "identity:\n  service_accounts:\n    - { name: a, key_sha256: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx }"
      ).text,
      "4:30: identity.service_accounts[0].key_sha256: expected the SHA-256 of an API key, 64 hexadecimal digits; `sluice key` makes a key and prints it"
    ),
    Mistake(
      "hash a list",
      Sample(identity: "identity:\n  service_accounts:\n    - { name: a, key_sha256: [1] }").text,
      "4:30: identity.service_accounts[0].key_sha256: expected 64 hexadecimal digits, found a list"),
    Mistake(
      "hash missing",
      Sample(identity: "identity:\n  service_accounts:\n    - { name: a }").text,
      "4:7: identity.service_accounts[0]: the key \"key_sha256\" is missing: the SHA-256 of its API key, 64 hexadecimal digits, as `sluice key` prints it"
    ),
    Mistake(
      "hash nothing",
      Sample(identity: "identity:\n  service_accounts:\n    - { name: a, key_sha256: }").text,
      "4:30: identity.service_accounts[0].key_sha256: expected 64 hexadecimal digits, found nothing"
    ),
    Mistake(
      "bad name",
      Sample(
        identity:
          "identity:\n  service_accounts:\n    - { name: 'a b', key_sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef }"
      ).text,
      "4:15: identity.service_accounts[0].name: \"a b\" is not a name; use letters, digits, \"-\", \"_\" and \".\", beginning with a letter or digit"
    ),
    Mistake(
      "reserved name",
      Sample(
        identity:
          "identity:\n  service_accounts:\n    - { name: anonymous, key_sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef }"
      ).text,
      "4:15: identity.service_accounts[0].name: \"anonymous\" is what calls without a credential are called; choose another name"
    ),
    Mistake(
      "literal key",
      Sample(identity: "identity:\n  service_accounts:\n    - { name: a, key: hunter2hunter2 }")
        .text,
      "4:7: identity.service_accounts[0]: the key \"key_sha256\" is missing: the SHA-256 of its API key, 64 hexadecimal digits, as `sluice key` prints it\n4:18: identity.service_accounts[0].key: \"key\" is not available in this version: an API key does not belong in this file; write its hash as key_sha256 (`sluice key` makes both)"
    ),
    Mistake(
      "groups a word",
      Sample(
        identity:
          "identity:\n  service_accounts:\n    - { name: c, key_sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef, groups: x }"
      ).text,
      "4:104: identity.service_accounts[0].groups: expected a list, found a single value; write [x]"
    ),
    Mistake(
      "same name and key",
      Sample(
        identity:
          "identity:\n  service_accounts:\n    - { name: a, key_sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef }\n    - { name: a, key_sha256: 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF }"
      ).text,
      "5:15: identity.service_accounts[1].name: service_accounts[0] has this name already; records could not tell them apart\n5:30: identity.service_accounts[1].key_sha256: \"a\" has this key already; `sluice key` makes another"
    ),
  ]

  static let aboutServers: [Mistake] = [
    Mistake(
      "https",
      Sample(servers: "servers:\n  orders: { url: https://x/mcp }").text,
      "6:18: servers.orders.url: https comes with the next version; until then reach the server over http on this machine or a private network"
    ),
    Mistake(
      "other scheme",
      Sample(servers: "servers:\n  orders: { url: ftp://x }").text,
      "6:18: servers.orders.url: expected an address that begins with http://"),
    Mistake(
      "no scheme",
      Sample(servers: "servers:\n  orders: { url: x:80 }").text,
      "6:18: servers.orders.url: expected an address such as http://127.0.0.1:9000/mcp"),
    Mistake(
      "password",
      Sample(servers: "servers:\n  orders: { url: 'http://user:pa55@x/mcp' }").text,
      "6:18: servers.orders.url: a user name or password does not belong in the address; use \"credential\""
    ),
    Mistake(
      "query",
      Sample(servers: "servers:\n  orders: { url: 'http://x/mcp?key=1' }").text,
      "6:18: servers.orders.url: a \"?\" or \"#\" does not belong in the address; for a secret use \"credential\""
    ),
    Mistake(
      "no host",
      Sample(servers: "servers:\n  orders: { url: http:///mcp }").text,
      "6:18: servers.orders.url: the address has no host; write http://host:port/path"),
    Mistake(
      "port zero",
      Sample(servers: "servers:\n  orders: { url: http://x:0/ }").text,
      "6:18: servers.orders.url: \"0\" is not a port; expected a number from 1 to 65535"),
    Mistake(
      "space",
      Sample(servers: "servers:\n  orders: { url: 'http://x:80/a b' }").text,
      "6:18: servers.orders.url: the path of the address has a character that must be percent-encoded, or is too long"
    ),
    Mistake(
      "three numbers",
      Sample(servers: "servers:\n  orders: { url: 'http://1.2.3/' }").text,
      "6:18: servers.orders.url: \"1.2.3\" is neither a host name nor an IP address"),
    Mistake(
      "hyphen",
      Sample(servers: "servers:\n  orders: { url: http://-x/ }").text,
      "6:18: servers.orders.url: \"-x\" is neither a host name nor an IP address"),
    Mistake(
      "bad IPv6",
      Sample(servers: "servers:\n  orders: { url: 'http://[::g]/' }").text,
      "6:18: servers.orders.url: \"::g\" is not an IPv6 address"),
    Mistake(
      "nothing",
      Sample(servers: "servers:\n  orders: { url: }").text,
      "6:18: servers.orders.url: expected an address such as http://127.0.0.1:9000/mcp, found nothing"
    ),
    Mistake(
      "command",
      Sample(servers: "servers:\n  orders: { command: [uvx, x] }").text,
      "6:11: servers.orders: the key \"url\" is missing: where the server is: http://host:port/path\n6:13: servers.orders.command: \"command\" is not available in this version: servers on standard input and output come with a later version; run this one behind an HTTP bridge"
    ),
    Mistake(
      "path without slash",
      Sample(servers: "servers:\n  orders: { url: http://x, path: mcp }").text,
      "6:34: servers.orders.path: expected a path such as /orders/mcp: slashes and letters, digits, \"-\", \".\", \"_\", \"~\", with no slash at the end"
    ),
    Mistake(
      "path with end slash",
      Sample(servers: "servers:\n  orders: { url: http://x, path: /mcp/ }").text,
      "6:34: servers.orders.path: expected a path such as /orders/mcp: slashes and letters, digits, \"-\", \".\", \"_\", \"~\", with no slash at the end"
    ),
    Mistake(
      "path with dots",
      Sample(servers: "servers:\n  orders: { url: http://x, path: /a/../b }").text,
      "6:34: servers.orders.path: expected a path such as /orders/mcp: slashes and letters, digits, \"-\", \".\", \"_\", \"~\", with no slash at the end"
    ),
    Mistake(
      "well-known path",
      Sample(servers: "servers:\n  orders: { url: http://x, path: /.well-known/x }").text,
      "6:34: servers.orders.path: paths under /.well-known/ are the gateway's own; choose another"),
    Mistake(
      "itself",
      Sample(servers: "servers:\n  orders: { url: http://127.0.0.1:8080/mcp }").text,
      "6:18: servers.orders.url: this is the gateway itself (listeners[0]), which would call itself in a circle"
    ),
    Mistake(
      "itself by name",
      Sample(servers: "servers:\n  orders: { url: http://localhost:8080/mcp }").text,
      "6:18: servers.orders.url: this is the gateway itself (listeners[0]), which would call itself in a circle"
    ),
    Mistake(
      "server limit",
      Sample(servers: "servers:\n  orders: { url: http://x, limits: { head_size: 1KiB } }").text,
      "6:38: servers.orders.limits.head_size: unknown key \"head_size\"; known here: response_size, event_size, upstream_connections, connect_timeout, first_byte_timeout, stream_idle_timeout, upstream_idle_timeout"
    ),
    Mistake(
      "bad name",
      Sample(servers: "servers:\n  'l l': { url: http://x }").text,
      "6:3: servers.l l: \"l l\" is not a name; use letters, digits, \"-\", \"_\" and \".\", beginning with a letter or digit"
    ),
    Mistake(
      "none",
      Sample(servers: "servers: {}").text,
      "5:10: servers: at least one server is needed: orders: { url: http://127.0.0.1:9000/mcp }"),
    Mistake(
      "a list",
      Sample(servers: "servers: [a]").text,
      "5:10: servers: expected a mapping (name: …), found a list"),
    Mistake(
      "same path",
      Sample(servers: "servers:\n  a: { url: http://x }\n  b: { url: http://x, path: /a/mcp }")
        .text,
      "7:29: servers.b.path: the server \"a\" is at /a/mcp already; give one another path"),
  ]

  static let aboutCredentials: [Mistake] = [
    Mistake(
      "literal",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, value: hunter2hunter2 } }"
      ).text,
      "6:64: servers.orders.credential.value: expected a reference to a secret: a secret is never written into this file, where it would be copied, shown and committed; put it into an environment variable and write \"env:NAME\", or into a file and write \"file:/path\""
    ),
    Mistake(
      "literal with scheme",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, value: \"Bearer hunter2hunter2\" } }"
      ).text,
      "6:64: servers.orders.credential.value: expected a reference to a secret: a secret is never written into this file, where it would be copied, shown and committed; put it into an environment variable and write \"env:NAME\", or into a file and write \"file:/path\""
    ),
    Mistake(
      "env without name",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, value: 'env:' } }"
      ).text,
      "6:64: servers.orders.credential.value: after \"env:\" stands the name of an environment variable, such as env:ORDERS_TOKEN"
    ),
    Mistake(
      "env bad name",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, value: env:1A } }"
      ).text,
      "6:64: servers.orders.credential.value: after \"env:\" stands the name of an environment variable, such as env:ORDERS_TOKEN"
    ),
    Mistake(
      "env not set",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, value: env:MISSING } }"
      ).text,
      "6:64: servers.orders.credential.value: the environment variable MISSING is not set"),
    Mistake(
      "env empty",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, value: env:EMPTY } }"
      ).text,
      "6:64: servers.orders.credential.value: the environment variable EMPTY is empty"),
    Mistake(
      "env with line break",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, value: env:LINES } }"
      ).text,
      "6:64: servers.orders.credential.value: the secret has a character that cannot be sent in a header field (a line break, a space around it, or something that is not ASCII)"
    ),
    Mistake(
      "file without path",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, value: 'file:' } }"
      ).text,
      "6:64: servers.orders.credential.value: after \"file:\" stands a path, such as file:/run/secrets/orders"
    ),
    Mistake(
      "file not there",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, value: file:/nonexistent/x } }"
      ).text,
      "6:64: servers.orders.credential.value: cannot read /nonexistent/x"),
    Mistake(
      "exec",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, value: exec:pass show x } }"
      ).text,
      "6:64: servers.orders.credential.value: \"exec:\" is not available in this version: write the program's output to a file and use \"file:\""
    ),
    Mistake(
      "a list",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, value: [hunter2hunter2] } }"
      ).text,
      "6:64: servers.orders.credential.value: expected a reference to a secret (env:NAME or file:/path), found a list"
    ),
    Mistake(
      "nothing",
      Sample(
        servers: "servers:\n  orders: { url: http://x, credential: { header: X-Key, value:  } }"
      ).text,
      "6:65: servers.orders.credential.value: expected a reference to a secret (env:NAME or file:/path), found nothing"
    ),
    Mistake(
      "header Host",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: Host, value: env:TOKEN } }"
      ).text,
      "6:50: servers.orders.credential.header: the gateway writes \"Host\" itself; a credential needs another field"
    ),
    Mistake(
      "header mcp-session-id",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: mcp-session-id, value: env:TOKEN } }"
      ).text,
      "6:50: servers.orders.credential.header: the gateway writes \"mcp-session-id\" itself; a credential needs another field"
    ),
    Mistake(
      "header X Y",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X Y, value: env:TOKEN } }"
      ).text,
      "6:50: servers.orders.credential.header: \"X Y\" is not the name of a header field"),
    Mistake(
      "header Content-Length",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: Content-Length, value: env:TOKEN } }"
      ).text,
      "6:50: servers.orders.credential.header: the gateway writes \"Content-Length\" itself; a credential needs another field"
    ),
    Mistake(
      "token",
      Sample(
        servers:
          "servers:\n  orders:\n    url: http://x\n    credential:\n      header: Authorization\n      token: hunter2hunter2"
      ).text,
      "9:7: servers.orders.credential: the key \"value\" is missing: a reference to the secret: env:NAME or file:/path\n10:7: servers.orders.credential.token: unknown key \"token\"; known here: header, scheme, value"
    ),
  ]

  static let aboutProfiles: [Mistake] = [
    Mistake(
      "groups a word",
      Sample(
        profiles:
          "profiles:\n  reader: { groups: staff, allow: [{ server: orders, tools: [query] }] }"
      ).text,
      "8:21: profiles.reader.groups: expected a list, found a single value; write [staff]"),
    Mistake(
      "nothing allowed",
      Sample(profiles: "profiles:\n  reader: { groups: [staff], allow: [] }").text,
      "8:37: profiles.reader.allow: this list needs at least one element"),
    Mistake(
      "a mapping",
      Sample(profiles: "profiles:\n  reader: { allow: { server: x } }").text,
      "8:20: profiles.reader.allow: expected a list, found a mapping"),
    Mistake(
      "deny",
      Sample(
        profiles:
          "profiles:\n  reader: { deny: [], groups: [staff], allow: [{ server: orders, tools: [a] }] }"
      ).text,
      "8:13: profiles.reader.deny: \"deny\" is not available in this version: a profile only allows; to refuse part of it, write a rule with effect: block under \"policies\""
    ),
    Mistake(
      "empty line",
      Sample(profiles: "profiles:\n  reader: { groups: [staff], allow: [{}] }").text,
      "8:38: profiles.reader.allow[0]: the key \"server\" is missing: the name of a server, or \"*\" for every server\n8:38: profiles.reader.allow[0]: the key \"tools\" is missing: names of tools; \"*\" stands for any text and \"?\" for one character"
    ),
    Mistake(
      "resources and prompts",
      Sample(
        profiles:
          "profiles:\n  reader: { groups: [staff], allow: [{ server: orders, tools: [query], resources: [x], prompts: [x] }] }"
      ).text,
      "8:72: profiles.reader.allow[0].resources: \"resources\" is not available in this version: resources are refused to everyone; leave it out\n8:88: profiles.reader.allow[0].prompts: \"prompts\" is not available in this version: prompts are refused to everyone; leave it out"
    ),
    Mistake(
      "control character in a name",
      Sample(
        profiles:
          "profiles:\n  reader: { groups: [staff], allow: [{ server: orders, tools: [\"a\\u0007\"] }] }"
      ).text,
      "8:64: profiles.reader.allow[0].tools[0]: a control character is in this text; leave it out"),
    Mistake(
      "empty name",
      Sample(
        profiles:
          "profiles:\n  reader: { groups: [staff], allow: [{ server: orders, tools: [\"\"] }] }"
      ).text,
      "8:64: profiles.reader.allow[0].tools[0]: expected the name of a tool, found an empty text"),
  ]

  static let aboutPolicies: [Mistake] = [
    Mistake(
      "nothing but a name",
      Sample(policies: "policies:\n  - name: a").text,
      "10:5: policies[0]: the key \"match\" is missing: which calls the rule is for: { servers: [\"*\"] } for all of them"
    ),
    Mistake(
      "no effect",
      Sample(policies: "policies:\n  - { name: r, match: { tools: [x] } }").text,
      "10:5: policies[0]: the key \"effect\" is missing: allow, block or mask"),
    Mistake(
      "empty match",
      Sample(policies: "policies:\n  - { name: r, match: {}, effect: block }").text,
      "10:23: policies[0].match: this says nothing; for every call write { servers: [\"*\"] }"),
    Mistake(
      "unknown effect",
      Sample(policies: "policies:\n  - { name: r, match: { tools: [x] }, effect: blok }").text,
      "10:47: policies[0].effect: expected \"allow\", \"block\" or \"mask\", found \"blok\"; did you mean \"block\"?"
    ),
    Mistake(
      "require_approval",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { tools: [x] }, effect: require_approval, approval: {} }"
      ).text,
      "10:47: policies[0].effect: \"require_approval\" is not available in this version: approvals come with a later version; use block until then\n10:65: policies[0].approval: \"approval\" is not available in this version: approvals come with a later version; leave it out"
    ),
    Mistake(
      "mode",
      Sample(
        policies: "policies:\n  - { name: r, match: { tools: [x] }, mode: observe, effect: block }"
      ).text,
      "10:39: policies[0].mode: \"mode\" is not available in this version: every rule is enforced; leave it out"
    ),
    Mistake(
      "condition a word",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { tools: [x], arguments: { sql: drop } }, effect: block }"
      ).text,
      "10:55: policies[0].match.arguments.sql: expected a mapping (equals, one_of, prefix, suffix, regex, greater_than, …), found a single value"
    ),
    Mistake(
      "no condition",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { tools: [x], arguments: { sql: {} } }, effect: block }"
      ).text,
      "10:55: policies[0].match.arguments.sql: no condition; write for example { equals: … } or { one_of: […] }"
    ),
    Mistake(
      "sql_effect",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { arguments: { sql: { sql_effect: [ddl] } } }, effect: block }"
      ).text,
      "10:45: policies[0].match.arguments.sql.sql_effect: \"sql_effect\" is not available in this version: use regex on the statement until then"
    ),
    Mistake(
      "number a word",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { arguments: { n: { greater_than: abc } } }, effect: block }"
      ).text,
      "10:57: policies[0].match.arguments.n.greater_than: expected a number such as 12, -0.5 or 1e6, found \"abc\""
    ),
    Mistake(
      "number in quotes",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { arguments: { n: { at_most: '5' } } }, effect: block }"
      ).text,
      "10:52: policies[0].match.arguments.n.at_most: expected a number, found a text; leave out the quotes"
    ),
    Mistake(
      "unclear number",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { arguments: { n: { equals: 0x1F } } }, effect: block }"
      ).text,
      "10:51: policies[0].match.arguments.n.equals: 0x1F is not clear here: quote a text, write a number as 12, -0.5 or 1e6"
    ),
    Mistake(
      "unclear number with plus",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { arguments: { n: { one_of: [1, +5] } } }, effect: block }"
      ).text,
      "10:55: policies[0].match.arguments.n.one_of[1]: +5 is not clear here: quote a text, write a number as 12, -0.5 or 1e6"
    ),
    Mistake(
      "empty one_of",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { arguments: { n: { one_of: [] } } }, effect: block }"
      ).text,
      "10:51: policies[0].match.arguments.n.one_of: this list needs at least one element"),
    Mistake(
      "detect",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { tools: [x] }, mask: [{ detect: [email], with: partial }] }"
      ).text,
      "10:46: policies[0].mask[0]: the key \"fields\" is missing: names of fields (masked at any depth), or paths such as customer.card.number\n10:48: policies[0].mask[0].detect: \"detect\" is not available in this version: detectors come with a later version; list field names under \"fields\""
    ),
    Mistake(
      "treatment",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { tools: [x] }, mask: [{ fields: [a], with: redcat }] }"
      ).text,
      "10:67: policies[0].mask[0].with: expected \"redact\" or \"partial\", found \"redcat\"; did you mean \"redact\"?"
    ),
    Mistake(
      "no fields",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { tools: [x] }, mask: [{ fields: [], with: redact }] }"
      ).text,
      "10:56: policies[0].mask[0].fields: this list needs at least one element"),
    Mistake(
      "no treatment",
      Sample(policies: "policies:\n  - { name: r, match: { tools: [x] }, mask: [{ fields: [a] }] }")
        .text,
      "10:46: policies[0].mask[0]: the key \"with\" is missing: redact replaces the value, partial keeps the last four characters"
    ),
    Mistake(
      "message on a mask",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { tools: [x] }, message: hello, mask: [{ fields: [a], with: redact }] }"
      ).text,
      "10:48: policies[0].message: only a rule that blocks tells the agent something; leave it out, or use \"note\""
    ),
  ]

  static let aboutLimits: [Mistake] = [
    Mistake(
      "no unit",
      Sample(rest: "limits: { head_size: 32 }").text,
      "10:22: limits.head_size: expected a size from 1KiB to 1MiB, such as 64KiB or 4MiB, found \"32\""
    ),
    Mistake(
      "decimal unit",
      Sample(rest: "limits: { request_size: 4MB }").text,
      "10:25: limits.request_size: expected a size from 1KiB to 1GiB, such as 64KiB or 4MiB, found \"4MB\""
    ),
    Mistake(
      "space",
      Sample(rest: "limits: { response_size: 4 MiB }").text,
      "10:26: limits.response_size: expected a size from 1KiB to 1GiB, such as 64KiB or 4MiB, found \"4 MiB\""
    ),
    Mistake(
      "too small",
      Sample(rest: "limits: { event_size: 1B }").text,
      "10:23: limits.event_size: 1B is out of range; expected a size from 1KiB to 1GiB"),
    Mistake(
      "too large",
      Sample(rest: "limits: { request_size: 2GiB }").text,
      "10:25: limits.request_size: 2GiB is out of range; expected a size from 1KiB to 1GiB"),
    Mistake(
      "overflow",
      Sample(rest: "limits: { request_size: 99999999999999999999GiB }").text,
      "10:25: limits.request_size: expected a size from 1KiB to 1GiB, such as 64KiB or 4MiB, found \"99999999999999999999GiB\""
    ),
    Mistake(
      "depth",
      Sample(rest: "limits: { json_depth: 1000 }").text,
      "10:23: limits.json_depth: expected a whole number from 4 to 512, found \"1000\""),
    Mistake(
      "no time unit",
      Sample(rest: "limits: { head_timeout: 10 }").text,
      "10:25: limits.head_timeout: expected a duration from 1ms to 24h, such as 500ms or 15s, found \"10\""
    ),
    Mistake(
      "fraction",
      Sample(rest: "limits: { body_timeout: 1.5s }").text,
      "10:25: limits.body_timeout: expected a duration from 1ms to 24h, such as 500ms or 15s, found \"1.5s\""
    ),
    Mistake(
      "zero",
      Sample(rest: "limits: { idle_timeout: 0s }").text,
      "10:25: limits.idle_timeout: 0s is out of range; expected a duration from 1ms to 24h"),
    Mistake(
      "negative",
      Sample(rest: "limits: { sessions: -1 }").text,
      "10:21: limits.sessions: expected a whole number from 1 to 1000000, found \"-1\""),
    Mistake(
      "quoted number",
      Sample(rest: "limits: { max_connections: '5' }").text,
      "10:28: limits.max_connections: expected a whole number from 1 to 1000000, found a text; leave out the quotes"
    ),
    Mistake(
      "mistyped",
      Sample(rest: "limits: { conect_timeout: 5s }").text,
      "10:11: limits.conect_timeout: unknown key \"conect_timeout\"; did you mean \"connect_timeout\"?"
    ),
    Mistake(
      "hexadecimal",
      Sample(rest: "limits: { head_fields: 0x20 }").text,
      "10:24: limits.head_fields: expected a whole number from 8 to 1024, found \"0x20\""),
  ]

  static let aboutWorkers: [Mistake] = [
    Mistake(
      "count",
      Sample(rest: "workers: { count: 0 }").text,
      "10:19: workers.count: expected a whole number from 1 to 1024, found \"0\""),
    Mistake(
      "io",
      Sample(rest: "workers: { io: uring }").text,
      "10:16: workers.io: expected \"auto\", \"io_uring\" or \"epoll\", found \"uring\""),
    Mistake(
      "boolean",
      Sample(rest: "workers: { pin_cpus: yes }").text,
      "10:22: workers.pin_cpus: expected true or false, found \"yes\""),
    Mistake(
      "quoted boolean",
      Sample(rest: "workers: { pin_cpus: 'true' }").text,
      "10:22: workers.pin_cpus: expected true or false, found a text; leave out the quotes"),
    Mistake(
      "power of two",
      Sample(rest: "workers: { ring_entries: 1000 }").text,
      "10:26: workers.ring_entries: not a power of two; the nearest are 512 or 1024"),
    Mistake(
      "size power of two",
      Sample(rest: "workers: { buffer_size: 5KiB }").text,
      "10:25: workers.buffer_size: not a power of two; the nearest are 4KiB or 8KiB"),
  ]

  static let aboutLog: [Mistake] = [
    Mistake(
      "level",
      Sample(rest: "log: { level: verbose }").text,
      "10:15: log.level: expected \"trace\", \"debug\", \"info\", \"notice\", \"warning\", \"error\" or \"critical\", found \"verbose\""
    ),
    Mistake(
      "format",
      Sample(rest: "log: { format: JSON }").text,
      "10:16: log.format: expected \"text\" or \"json\", found \"JSON\"; did you mean \"json\"?"),
  ]

  static let aboutAudit: [Mistake] = [
    Mistake(
      "directory empty",
      Sample(audit: "audit: { directory: '' }").text,
      "9:21: audit.directory: expected a folder, found an empty text"),
    Mistake(
      "durability",
      Sample(audit: "audit: { directory: x, durability: sync }").text,
      "9:36: audit.durability: expected \"interval\" or \"synced\", found \"sync\"; did you mean \"synced\"?"
    ),
    Mistake(
      "on_failure",
      Sample(audit: "audit: { directory: x, on_failure: fail-closed }").text,
      "9:36: audit.on_failure: expected \"fail_closed\" or \"drop_and_count\", found \"fail-closed\"; did you mean \"fail_closed\"?"
    ),
    Mistake(
      "ring_size",
      Sample(audit: "audit: { directory: x, ring_size: 3MiB }").text,
      "9:35: audit.ring_size: not a power of two; the nearest are 2MiB or 4MiB"),
    Mistake(
      "segment_size",
      Sample(audit: "audit: { directory: x, segment_size: 1KiB }").text,
      "9:38: audit.segment_size: 1KiB is out of range; expected a size from 64KiB to 64GiB"),
    Mistake(
      "interval without effect",
      Sample(audit: "audit: { directory: x, durability: synced, interval: 5ms }").text,
      "9:54: audit.interval: has no effect with durability: synced; leave one of them out"),
    Mistake(
      "no directory",
      Sample(audit: "audit: { durability: synced }").text,
      "9:8: audit: the key \"directory\" is missing: the folder of the record; a relative path starts at this file's folder"
    ),
    Mistake(
      "sinks",
      Sample(audit: "audit: { directory: x, sinks: [] }").text,
      "9:24: audit.sinks: \"sinks\" is not available in this version: records are written to the directory; read them with `sluice audit`"
    ),
  ]
}
