// Mistakes about limits, threads, log and record.

extension Mistake {
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
      Sample(rest: "limits: { pipeline_size: 1B }").text,
      "10:26: limits.pipeline_size: 1B is out of range; expected a size from 1KiB to 1GiB"),
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
      Sample(rest: "limits: { upstream_connections: -1 }").text,
      "10:33: limits.upstream_connections: expected a whole number from 1 to 65535, found \"-1\""),
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
      Sample(rest: "limits: { json_depth: 0x20 }").text,
      "10:23: limits.json_depth: expected a whole number from 4 to 512, found \"0x20\""),
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

  static let aboutConsole: [Mistake] = [
    Mistake(
      "nobody signs in",
      Sample(rest: "console: {}").text,
      "10:10: console: nobody could sign in: write login: { local_admin: {} } for a first start, or login: { oidc: … }"
    ),
    Mistake(
      "open address",
      Sample(rest: "console: { address: 0.0.0.0:8081, login: { local_admin: {} } }").text,
      "10:21: console.address: passwords and decisions would cross the network in the clear; write tls: { certificate: \"file:…\", key: \"file:…\" }, listen on 127.0.0.1, or put a proxy that speaks TLS in front and write behind_proxy: true"
    ),
    Mistake(
      "proxy without a name",
      Sample(rest: "console: { behind_proxy: true, login: { local_admin: {} } }").text,
      "10:26: console.behind_proxy: write public_url too: the address people type, such as https://console.example"
    ),
    Mistake(
      "the listener's port",
      Sample(rest: "console: { address: 127.0.0.1:8080, login: { local_admin: {} } }").text,
      "10:21: console.address: the same port as listeners[0].address; give the console one of its own"
    ),
    Mistake(
      "public address with a path",
      Sample(rest: "console: { public_url: 'https://c.example/x', login: { local_admin: {} } }")
        .text,
      "10:24: console.public_url: expected scheme, host and perhaps a port, in lower case and without a slash at the end: https://console.example"
    ),
    Mistake(
      "public address in the clear",
      Sample(rest: "console: { public_url: 'http://c.example', login: { local_admin: {} } }").text,
      "10:24: console.public_url: tokens would cross the network in the clear; use https://"),
    Mistake(
      "the password itself",
      Sample(rest: "console: { login: { local_admin: { password_hash: hunter2 } } }").text,
      "10:51: console.login.local_admin.password_hash: expected a reference to a secret: a secret is never written into this file, where it would be copied, shown and committed; put it into an environment variable and write \"env:NAME\", or into a file and write \"file:/path\""
    ),
    Mistake(
      "a password in place of its hash",
      Sample(rest: "console: { login: { local_admin: { password_hash: 'env:TOKEN' } } }").text,
      "10:51: console.login.local_admin.password_hash: this is no hash of a password; `sluice console password` makes one"
    ),
    Mistake(
      "scopes without openid",
      Sample(
        rest:
          "console: { login: { oidc: { issuer: 'https://i.example', client_id: c, scopes: [email] } } }"
      ).text,
      "10:80: console.login.oidc.scopes: \"openid\" must be among the scopes"),
    Mistake(
      "issuer in the clear",
      Sample(rest: "console: { login: { oidc: { issuer: 'http://i.example', client_id: c } } }")
        .text,
      "10:37: console.login.oidc.issuer: tokens would cross the network in the clear; use https://"
    ),
    Mistake(
      "a key of a service account",
      Sample(
        rest:
          "console: { api_keys: [{ name: bot, key_sha256: \"\(String(repeating: "0", count: 64))\" }] }"
      ).text,
      "10:23: console.api_keys[0]: the service account \"bot\" has this name or key already, and may use the admin API as it is; leave this out"
    ),
    Mistake(
      "tls",
      Sample(rest: "console: { tls: {} }").text,
      "10:17: console.tls: a certificate is needed: { certificate: \"file:/path.pem\", key: \"file:/path.key\" }"
    ),
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
      "9:24: audit.sinks: \"sinks\" is not available in this version: \"sinks\" stands beside \"audit\", at the top of the file"
    ),
  ]
}
