// Mistakes about servers, profiles and rules.

extension Mistake {
  static let aboutServers: [Mistake] = [
    Mistake(
      "other scheme",
      Sample(servers: "servers:\n  orders: { url: ftp://x }").text,
      "6:18: servers.orders.url: expected an address that begins with https:// or http://"),
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
      "6:18: servers.orders.url: the address has no host; write https://host:port/path"),
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
      "neither url nor command",
      Sample(servers: "servers:\n  orders: { path: /mcp }").text,
      "6:11: servers.orders: the key \"url\" is missing: where the server is: http://host:port/path (or \"command\", to start it)"
    ),
    Mistake(
      "url and command",
      Sample(servers: "servers:\n  orders: { url: http://x, command: [uvx, x] }").text,
      "6:28: servers.orders: a server has a \"url\" or a \"command\", not both"),
    Mistake(
      "command with a credential",
      Sample(
        servers:
          "servers:\n  orders: { command: [x], credential: { header: Authorization, scheme: Bearer, value: env:TOKEN } }"
      ).text,
      "6:27: servers.orders: a server on standard input and output is sent no header fields; put the secret into \"environment\""
    ),
    Mistake(
      "url with an environment",
      Sample(servers: "servers:\n  orders: { url: http://x, environment: { A: b } }").text,
      "6:28: servers.orders: \"environment\" is for servers with a \"command\"; leave it out"),
    Mistake(
      "command with a transport",
      Sample(servers: "servers:\n  orders: { command: [x], transport: sse }").text,
      "6:27: servers.orders: \"transport\" is for servers with a \"url\"; leave it out"),
    Mistake(
      "a modern server of the oldest transport",
      Sample(servers: "servers:\n  orders: { url: http://x, transport: sse, era: modern }").text,
      "6:44: servers.orders: the transport sse is older than the modern era; leave \"era\" out"),
    Mistake(
      "a star for every method",
      Sample(servers: "servers:\n  orders: { url: http://x, methods: [\"*\"] }").text,
      "6:38: servers.orders.methods[0]: expected a method such as com.example/jobs.status, or its beginning and a star: com.example/*"
    ),
    Mistake(
      "a notification among the methods",
      Sample(servers: "servers:\n  orders: { url: http://x, methods: [notifications/x] }").text,
      "6:38: servers.orders.methods[0]: notifications that the protocol does not have are not passed on"
    ),
    Mistake(
      "an unknown transport",
      Sample(servers: "servers:\n  orders: { url: http://x, transport: see }").text,
      "6:39: servers.orders.transport: expected \"http\" or \"sse\", found \"see\"; did you mean \"sse\"?"
    ),
    Mistake(
      "command without a program",
      Sample(servers: "servers:\n  orders: { command: [] }").text,
      "6:22: servers.orders.command: this list needs at least one element"),
    Mistake(
      "command as a text",
      Sample(servers: "servers:\n  orders: { command: uvx x }").text,
      "6:22: servers.orders.command: expected a list, found a single value; write [uvx x]"),
    Mistake(
      "environment's name",
      Sample(servers: "servers:\n  orders: { command: [x], environment: { A-B: c } }").text,
      "6:42: servers.orders.environment.A-B: \"A-B\" is not the name of an environment variable"),
    Mistake(
      "environment without its secret",
      Sample(servers: "servers:\n  orders: { command: [x], environment: { A: env:NOWHERE } }").text,
      "6:45: servers.orders.environment.A: the environment variable NOWHERE is not set"),
    Mistake(
      "environment by a program",
      Sample(servers: "servers:\n  orders: { command: [x], environment: { A: 'exec:pass x' } }")
        .text,
      "6:45: servers.orders.environment.A: a program is not named here; in a credential write exec: [program, argument] in place of \"value\", elsewhere have its output written to a file and use \"file:\""
    ),
    Mistake(
      "sharing",
      Sample(servers: "servers:\n  orders: { command: [x], sharing: sessions }").text,
      "6:36: servers.orders.sharing: expected \"session\" or \"shared\", found \"sessions\"; did you mean \"session\"?"
    ),
    Mistake(
      "no processes",
      Sample(servers: "servers:\n  orders: { command: [x], limits: { max_processes: 0 } }").text,
      "6:52: servers.orders.limits.max_processes: expected a whole number from 1 to 4096, found \"0\""
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
      Sample(servers: "servers:\n  orders: { url: http://x, limits: { response_size: 80MiB } }")
        .text,
      "6:53: servers.orders.limits.response_size: larger than limits.response_size (64MiB), which bounds every server; raise that"
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
      "6:64: servers.orders.credential.value: a program is not named here; in a credential write exec: [program, argument] in place of \"value\", elsewhere have its output written to a file and use \"file:\""
    ),
    Mistake(
      "two secrets",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, value: 'env:TOKEN', exec: [x] } }"
      ).text,
      "6:40: servers.orders.credential: the secret comes from \"value\" or from \"exec\"; leave one of them out"
    ),
    Mistake(
      "refresh of a file",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, value: 'env:TOKEN', refresh: 1m } }"
      ).text,
      "6:86: servers.orders.credential.refresh: has a meaning beside \"exec\" only"
    ),
    Mistake(
      "a program that is not there",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, exec: [./none] } }"
      ).text,
      "6:63: servers.orders.credential.exec: /etc/sluice/none cannot be run: No such file or directory"
    ),
    Mistake(
      "a program that fails",
      Sample(
        servers:
          "servers:\n  orders: { url: http://x, credential: { header: X-Key, exec: [sh, -c, 'echo hunter2hunter2; exit 3'] } }"
      ).text,
      "6:63: servers.orders.credential.exec: sh ended with status 3; run it by hand to see why"
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
      "10:7: servers.orders.credential.token: unknown key \"token\"; known here: header, scheme, value, exec, refresh, timeout, max_age"
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
      "8:38: profiles.reader.allow[0]: the key \"server\" is missing: the name of a server, or \"*\" for every server"
    ),
    Mistake(
      "a server and nothing of it",
      Sample(profiles: "profiles:\n  reader: { groups: [staff], allow: [{ server: orders }] }")
        .text,
      "8:38: profiles.reader.allow[0]: this allows nothing; list \"tools\", \"resources\" or \"prompts\": tools: [\"*\"]"
    ),
    Mistake(
      "no prompts",
      Sample(
        profiles:
          "profiles:\n  reader: { groups: [staff], allow: [{ server: orders, prompts: [] }] }"
      ).text,
      "8:65: profiles.reader.allow[0].prompts: this list needs at least one element"
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
      "10:5: policies[0]: the key \"effect\" is missing: allow, block, require_approval or mask"),
    Mistake(
      "empty match",
      Sample(policies: "policies:\n  - { name: r, match: {}, effect: block }").text,
      "10:23: policies[0].match: this says nothing; for every call write { servers: [\"*\"] }"),
    Mistake(
      "unknown effect",
      Sample(policies: "policies:\n  - { name: r, match: { tools: [x] }, effect: blok }").text,
      "10:47: policies[0].effect: expected \"allow\", \"block\", \"require_approval\" or \"mask\", found \"blok\"; did you mean \"block\"?"
    ),
    Mistake(
      "an approval without reviewers",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { tools: [x] }, effect: require_approval, approval: {} }"
      ).text,
      "10:75: policies[0].approval: the key \"reviewers\" is missing: groups whose members may decide, except whoever made the call"
    ),
    Mistake(
      "an approval and no store",
      Sample(
        policies:
          "policies:\n  - { name: r, match: { tools: [x] }, effect: require_approval, approval: { reviewers: [a] } }"
      ).text,
      "10:47: policies[0].effect: approvals have nowhere to be kept; add store: sqlite:./sluice.db"
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
      "10:48: policies[0].message: only a rule that blocks or holds tells the agent something; leave it out, or use \"note\""
    ),
  ]
}
