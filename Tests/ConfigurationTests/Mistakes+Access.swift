// Mistakes about the text itself, its keys, and who may call.

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
      "1:1: expected a mapping (listeners, public_url, identity, servers, profiles, policies, …), found a list"
    ),
    Mistake(
      "a word",
      "x",
      "1:1: expected a mapping (listeners, public_url, identity, servers, profiles, policies, …), found a single value"
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
      "1:1: <<: unknown key \"<<\"; known here: listeners, public_url, identity, servers, profiles, policies, audit, approvals, store, console, sinks, limits, workers, log, admin\n1:1: the key \"listeners\" is missing: the addresses at which agents reach the gateway\n1:1: the key \"identity\" is missing: who may call: how callers prove who they are\n1:1: the key \"servers\" is missing: the MCP servers behind the gateway, by name\n1:1: the key \"profiles\" is missing: permission profiles, by name: who may use what; everything else is refused\n1:1: the key \"audit\" is missing: where and how every call is recorded"
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
      "10:1: zebra: unknown key \"zebra\"; known here: listeners, public_url, identity, servers, profiles, policies, audit, approvals, store, console, sinks, limits, workers, log, admin"
    ),
    Mistake(
      "later versions",
      Sample(rest: "store: postgresql://u:p@h/x\ninclude: x\n").text,
      "10:8: store: PostgreSQL as a store comes with a later version; write sqlite:./sluice.db for one gateway\n11:1: include: \"include\" is not available in this version: write everything into one file"
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
  ]

  static let aboutIdentity: [Mistake] = [
    Mistake(
      "nobody",
      Sample(identity: "identity: {}").text,
      "2:11: identity: nobody could call: list at least one of service_accounts (`sluice key` makes a key) or of oidc"
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
      "no provider",
      Sample(identity: #"identity: { oidc: [] }"#).text,
      #"2:11: identity: nobody could call: list at least one of service_accounts (`sluice key` makes a key) or of oidc"#
    ),
    Mistake(
      "issuer missing",
      Sample(identity: #"identity: { oidc: [{ name: corp }] }"#).text,
      #"2:20: identity.oidc[0]: the key "issuer" is missing: the provider's URL, exactly as the "iss" of its tokens says it"#
    ),
    Mistake(
      "issuer over http",
      Sample(identity: #"identity: { oidc: [{ issuer: "http://idp.example" }] }"#).text,
      #"2:30: identity.oidc[0].issuer: keys that are fetched over http could be anybody's; use https, or http on this machine"#
    ),
    Mistake(
      "issuer is no URL",
      Sample(identity: #"identity: { oidc: [{ issuer: idp.example }] }"#).text,
      #"2:30: identity.oidc[0].issuer: expected the URL of an issuer such as https://idp.example, found "idp.example""#
    ),
    Mistake(
      "issuer twice",
      Sample(
        identity:
          #"identity: { oidc: [{ issuer: "https://a.example" }, { issuer: "https://a.example", name: b }] }"#
      ).text,
      #"2:63: identity.oidc[1].issuer: oidc[0] has this issuer already"#
    ),
    Mistake(
      "provider's name twice",
      Sample(
        identity:
          #"identity: { oidc: [{ issuer: "https://a.example/x" }, { issuer: "https://a.example/y" }] }"#
      ).text,
      #"2:55: identity.oidc[1].name: oidc[0] is called "a.example" already; give one another "name""#
    ),
    Mistake(
      "algorithm none",
      Sample(
        identity: #"identity: { oidc: [{ issuer: "https://a.example", algorithms: [none] }] }"#
      ).text,
      #"2:64: identity.oidc[0].algorithms[0]: expected "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512" or "EdDSA", found "none""#
    ),
    Mistake(
      "shared secrets",
      Sample(
        identity: #"identity: { oidc: [{ issuer: "https://a.example", algorithms: [HS256] }] }"#
      ).text,
      #"2:64: identity.oidc[0].algorithms[0]: expected "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512" or "EdDSA", found "HS256"; did you mean "RS256"?"#
    ),
    Mistake(
      "client secret",
      Sample(identity: #"identity: { oidc: [{ issuer: "https://a.example", client_secret: x }] }"#)
        .text,
      #"2:51: identity.oidc[0].client_secret: "client_secret" is not available in this version: the gateway verifies tokens and asks for none; leave it out"#
    ),
    Mistake(
      "scopes in one text",
      Sample(
        identity: #"identity: { oidc: [{ issuer: "https://a.example", scopes: [openid groups] }] }"#
      ).text,
      #"2:60: identity.oidc[0].scopes[0]: "openid groups" is not a scope; write each of them by itself"#
    ),
    Mistake(
      "no public URL",
      Sample(
        listeners: "listeners: [{ address: 0.0.0.0:8080 }]",
        identity: #"identity: { oidc: [{ issuer: "https://a.example" }] }"#
      ).text,
      #"2:19: identity.oidc: agents must be told which resource to ask a token for: write where they reach the gateway as public_url"#
    ),
    Mistake(
      "user without provider",
      Sample(
        identity: #"identity: { oidc: [{ issuer: "https://a.example" }] }"#,
        profiles:
          "profiles:\n  reader: { users: [alice], allow: [{ server: orders, tools: [query] }] }"
      ).text,
      #"6:21: profiles.reader.users[0]: "alice" is not the name of a user; write <provider>/<name>, such as idp.example/alice"#
    ),
    Mistake(
      "user of an unknown provider",
      Sample(
        identity: #"identity: { oidc: [{ issuer: "https://a.example" }] }"#,
        profiles:
          "profiles:\n  reader: { users: [b.example/alice], allow: [{ server: orders, tools: [query] }] }"
      ).text,
      #"6:20: profiles.reader.users: no identity provider is called "b.example" (there are: a.example); write <provider>/<name>"#
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
}
