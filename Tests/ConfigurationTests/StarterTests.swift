import Testing
import Foundation

@testable import Configuration

@Suite struct Probe {
  @Test func probe() throws {
    var s = Sample()
    func show(_ title: String, _ text: String, _ overrides: [ConfigurationOverride] = []) { print("=== \(title)"); print(complaints(text, overrides: overrides)) }
    show("ok", s.text)
    show("empty", "")
    show("comment", "# nothing\n\n")
    show("tilde", "~")
    show("list", "- a\n- b\n")
    show("tab", "listeners:\n\t- address: 1\n")
    show("NUL", "listeners: \u{0}\n")
    show("unclosed", "listeners: [\n")
    show("unclosed quote", "a: \"b\n")
    show("indent", "listeners:\n  - address: x\n identity: y\n")
    show("colon", "a: b: c\n")
    show("two docs", s.text + "---\na: b\n")
    show("dup", s.text + "audit: { directory: /x }\n")
    show("alias star", s.text.replacingOccurrences(of: "[query]", with: "[*]"))
    show("alias star name", s.text.replacingOccurrences(of: "[query]", with: "[*_list]"))
    show("anchor", "a: &x [1]\nb: *x\n")
    show("anchor no alias", "a: &x [1]\n")
    show("anchor unquoted &", s.text.replacingOccurrences(of: "[query]", with: "[&query]"))
    show("tag", s.text.replacingOccurrences(of: "[query]", with: "[!foo query]"))
    show("binary tag", s.text.replacingOccurrences(of: "[query]", with: "[!!binary query]"))
    show("merge", "<<: {a: b}\n" + s.text)
    show("complex key", "? [a]\n: b\n")
    show("depth1000", String(repeating: "[", count: 900) + String(repeating: "]", count: 900))
    show("depth100000", String(repeating: "[", count: 100000))
    show("depth map", (0..<2000).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n"))
    var bomb = "a0: &a0 [x,x]\n"
    for i in 1..<40 { bomb += "a\(i): &a\(i) [*a\(i-1),*a\(i-1)]\n" }
    show("bomb", bomb)
    show("bomb key", bomb + "? *a39\n: x\n? *a38\n: y\n")
    show("latin1", "x")
    show("directive", "%FOO\n---\na: b\n")
    show("at", "a: @foo\n")
    show("percent", "a: %foo\n")
    show("unknown", s.text.replacingOccurrences(of: "listeners:", with: "listener:").replacingOccurrences(of: "servers:", with: "Servers:"))
    show("unknown2", s.text.replacingOccurrences(of: "url:", with: "ulr:"))
    show("unknown nohint", s.text + "zebra: 1\n")
    show("later", s.text + "store: sqlite:./x\nsinks: []\n")
    show("null", "listeners:\n" )
    s.listeners = "listeners: [{ address: localhost:8080 }, { address: '*:80' }, { address: ':80' }, { address: 127.0.0.1 }, { address: 127.0.0.1:0 }, {address: '::1:80'}, {address: 1.2.3.4.5:80}, {address: 8080}, {address: [a]}, {address: '127.0.0.1:99999'}, {address: '[127.0.0.1]:80'}, {}]"
    show("addresses", s.text)
    s.listeners = "listeners: { address: 127.0.0.1:80 }"
    show("mapping not list", s.text)
    s.listeners = "listeners: 127.0.0.1:80"
    show("scalar not list", s.text)
    s.listeners = "listeners: []"
    show("empty list", s.text)
    s.listeners = "listeners: [{ address: 127.0.0.1:80 }, {address: 0.0.0.0:80}]"
    show("collide", s.text)
    s.listeners = "listeners: [{ address: 127.0.0.1:80, tls: { certificate: x } }]"
    show("tls", s.text)
    s = Sample()
    s.identity = "identity: {}"
    show("nobody", s.text)
    s.identity = "identity: { anonymous: { groups: [staff] } }"; s.listeners = "listeners: [{ address: 127.0.0.1:80 }, {address: 0.0.0.0:81}]"
    show("anonymous", s.text)
    s.listeners = "listeners: [{ address: 127.0.0.1:80 }]"
    show("anonymous ok", s.text)
    show("anonymous with --listen", s.text, [.listen(["10.0.0.1:80"])])
    s.identity = "identity: { oidc: [] }"
    show("oidc", s.text)
    s.identity = "identity:\n  service_accounts:\n    - { name: a, key_sha256: sluice_abcdefgh }\n    - { name: b, key_sha256: abc }\n    - { name: 'a b', key_sha256: \(Sample.digest) }\n    - { name: anonymous, key_sha256: \(Sample.digest), key: hunter2hunter2 }\n    - { name: c, key_sha256: [1], groups: x }\n    - { key_sha256: }\n"
    show("accounts", s.text)
    s.identity = "identity:\n  service_accounts:\n    - { name: a, key_sha256: \(Sample.digest) }\n    - { name: a, key_sha256: \(Sample.digest.uppercased()) }\n"
    show("dup accounts", s.text)
    s = Sample()
    s.servers = "servers:\n  a: { url: https://x/mcp }\n  b: { url: ftp://x }\n  c: { url: x:80 }\n  d: { url: 'http://user:pa55@x/mcp' }\n  e: { url: 'http://x/mcp?key=1' }\n  f: { url: http:///mcp }\n  g: { url: http://x:0/ }\n  h: { url: 'http://x_y.z:80/a b' }\n  i: { url: 'http://1.2.3/' }\n  j: { url: http://-x/ }\n  k: { command: [uvx, x] }\n  'l l': { url: http://x }\n  m: { url: 'http://[::1]:90/x', path: 'm/' }\n  n: { url: http://x, path: /.well-known/x }\n  o: { url: http://x, path: /a/../b }\n"
    show("urls", s.text)
    s.servers = "servers:\n  a: { url: http://127.0.0.1:8080/mcp }\n  b: { url: http://x, path: /a/mcp }\n"
    show("self/dup path", s.text)
    s.servers = "servers: {}"
    show("no servers", s.text)
    for value in ["hunter2hunter2", "\"Bearer hunter2hunter2\"", "env:", "env:1A", "env:MISSING", "file:", "file:/nonexistent/x", "exec:pass show x", "env:TOKEN", "[hunter2hunter2]", "", "env:EMPTY", "env:BAD"] {
      s.servers = "servers:\n  orders: { url: http://x, credential: { header: Authorization, value: \(value) } }"
      show("credential \(value)", s.text)
    }
    for header in ["Host", "mcp-session-id", "X Y", "Content-Length"] {
      s.servers = "servers:\n  orders: { url: http://x, credential: { header: \(header), value: env:TOKEN } }"
      show("header \(header)", s.text)
    }
    s.servers = "servers:\n  orders:\n    url: http://x\n    credential:\n      header: Authorization\n      token: hunter2hunter2\n"
    show("credential token", s.text)
    s = Sample()
    s.profiles = "profiles:\n  reader: { groups: staff, allow: [{ server: orders, tools: [query], resources: [x], prompts: [x] }] }\n  b: { allow: [] }\n  c: { allow: { server: x } }\n  d: { deny: [], allow: [{}] }\n"
    show("profiles", s.text)
    s = Sample()
    s.policies = "policies:\n  - name: a\n  - name: b\n    match: {}\n    effect: blok\n  - name: c\n    match: { tools: [x] }\n    effect: require_approval\n    approval: {}\n  - name: d\n    match: { tools: [x] }\n    mode: observe\n    effect: block\n  - name: e\n    match: { tools: [x], arguments: { sql: drop } }\n    effect: block\n  - name: f\n    match: { tools: [x], arguments: { sql: { sql_effect: [ddl] }, n: { greater_than: abc, equals: 0x1F, one_of: [], at_most: '5' }, m: {} } }\n    effect: block\n  - name: g\n    match: { tools: [x] }\n    mask: [{ detect: [email], with: partial }, { fields: [a], with: redcat }, { fields: [] }]\n  - name: h\n    match: { tools: [x] }\n    mask: [{fields: [a], with: redact}]\n    message: hello\n"
    show("policies", s.text)
    s = Sample()
    s.rest = "limits: { head_size: 32, request_size: 4MB, response_size: 4 MiB, event_size: 1B, json_depth: 1000, head_timeout: 10, body_timeout: 1.5s, idle_timeout: 0s, sessions: -1, max_connections: '5', write_timeout: 99999999999999999999s, conect_timeout: 5s }\nworkers: { count: 0, io: uring, pin_cpus: yes, ring_entries: 1000, buffer_size: 5KiB }\nlog: { level: verbose, format: JSON }"
    show("limits", s.text)
    s.rest = ""
    s.audit = "audit: { directory: '', durability: sync, on_failure: fail-closed, ring_size: 3MiB, segment_size: 1KiB, sinks: [] }"
    show("audit", s.text)
    s.audit = "audit: { directory: ./x, durability: synced, interval: 5ms }"
    show("audit interval", s.text)
    s = Sample()
    show("flags", s.text, [.workers("0"), .inputOutput("foo"), .logLevel("loud"), .bufferSize("5"), .listen(["x"]), .auditRingSize("1"), .maxConnections("x")])
    show("many", (0..<80).map { "k\($0): 1\n" }.joined())
    show("long line", "listeners: [\(String(repeating: "x, ", count: 100)) { addres: 1 }, \(String(repeating: "x, ", count: 100))]\n")
    show("control", "a: \"b\u{1}c\"\n")
    show("esc control", s.text.replacingOccurrences(of: "[query]", with: "[\"qu\\u0007ery\", \"\\0\"]"))
    show("crlf", s.text.replacingOccurrences(of: "\n", with: "\r\n"))
    show("bom", "\u{feff}" + s.text)
  }
}
