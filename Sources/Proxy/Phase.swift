/// Where a request is, in the order it happens. Files of the folder `Phases` carry these names.
///
/// What may go wrong in each, and what the agent is told:
///
/// | phase | what may fail | answer |
/// |---|---|---|
/// | accept | no descriptors, too many connections; over TLS, a handshake that fails or is too slow | the connection is closed; accepting pauses and resumes |
/// | receive | the agent is slow, goes away, or sends too much ahead | 408, or the connection is closed |
/// | httpHead | malformed, ambiguous, too large | 400, 405, 413, 414, 417, 431, 501, 505, and the connection is closed |
/// | authenticate | no credential, an unknown one; no such path | 401; 404 |
/// | body | too large, malformed chunks, too slow | 413, 400, 408 |
/// | jsonIndex | not one strict JSON value | 400, JSON-RPC -32700 |
/// | mcpMessage | no MCP message, unknown revision, headers disagree, unknown session | 400 with -32600, -32602, -32020, -32022; 404 |
/// | decide | no profile, blocked by a rule, unknown method | 200 with `isError` or -31403 |
/// | hold | no approval can be asked for, denied, expired, not decided in time | 200 with `isError` (-31403 where a task is expected), or `input_required` |
/// | reserveRecord | the audit path is full or failing | 200 with -32603 (503 before a message was read) |
/// | upstream | no connection, refused, unreachable a moment ago, reset, too slow | 200 with -32603 |
/// | response | malformed, wrong id, too large, not JSON, cut short | 200 with -32603; a stream is cut |
/// | mask | cannot be masked reliably | 200 with -32603; a stream is cut |
/// | commitRecord | no room in the audit ring | the answer waits |
/// | send | the agent does not read, or has gone | the connection is closed |
///
/// Agents of HTTP+SSE leave this order twice: `EventStream` hands what they post to a door in this process, from which it comes
/// back as a request that goes through all of it; `Relay` passes on what the door says on their stream.
///
/// A request is sent to its server once. It is sent a second time, on a fresh connection, only when it was lost with a
/// connection from the pool and cannot have run: no byte of it was handed to the kernel, or it is one that changes
/// nothing (`MCPMethod.isRepeatable`) and no byte of an answer had come.
public enum Phase: UInt8, BitwiseCopyable, Sendable, CaseIterable {
  case accept
  case receive
  case httpHead
  case authenticate
  case body
  case jsonIndex
  case mcpMessage
  case decide
  case hold
  case reserveRecord
  case upstream
  case response
  case mask
  case commitRecord
  case send
}
