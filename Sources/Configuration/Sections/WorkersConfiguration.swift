internal import PlainJSON

/// The threads of the data path, and how they do their input and output.
public struct WorkersConfiguration: Equatable, Sendable {
  /// What moves the bytes.
  public enum InputOutput: String, CaseIterable, Sendable {
    /// io_uring where the system permits it, else epoll.
    case auto
    case ioUring = "io_uring"
    case epoll
  }

  /// Number of worker threads; nil for one per core.
  public var count: Int?
  public var inputOutput = InputOutput.auto
  /// Whether each worker stays on a core of its own.
  public var pinsCPUs = false
  /// Connections that wait to be accepted, per listener and worker.
  public var backlog = 1024
  /// Bytes of one receive buffer.
  public var bufferBytes = 16 << 10
  /// Entries of a worker's submission queue.
  public var ringEntries = 1024

  public init() {}
}

extension WorkersConfiguration: SchemaObject {
  static var keys: KeyTable<WorkersConfiguration> {
    KeyTable(
      keys: [
        .optional(
          "count", \.count, .automatic(.integer(1...1024)),
          "number of worker threads; auto is one per core (flag --workers)"
        ),
        .optional(
          "io", \.inputOutput, .word(),
          "auto takes io_uring where the system permits it, else epoll (flag --io)"),
        .optional(
          "pin_cpus", \.pinsCPUs, .boolean,
          "keep each worker on a core of its own (flag --pin-cpus)"),
        .optional(
          "backlog", \.backlog, .integer(1...65535),
          "connections that wait to be accepted, per listener and worker (flag --backlog)"),
        .optional(
          "buffer_size", \.bufferBytes, .powerOfTwo(.size(4096...1 << 20)),
          "one receive buffer; larger ones suit large messages (flag --buffer-size)"),
        .optional(
          "ring_entries", \.ringEntries, .powerOfTwo(.integer(64...32768)),
          "entries of a worker's io_uring submission queue; a power of two (flag --ring-entries)"),
      ])
  }
}

extension Shape where Value == Int? {
  /// A number, or `auto` for nil.
  static func automatic(_ shape: Shape<Int>) -> Shape<Int?> {
    Shape<Int?>(
      schema: ["anyOf": [["const": "auto"], shape.schema]],
      read: { node, reading in
        if case .scalar(let scalar) = node.content, scalar.text == "auto" { return .some(nil) }
        guard let value = shape.read(node, &reading) else { return nil }
        return .some(value)
      }, show: { $0.flatMap(shape.show) ?? "auto" })
  }
}

/// What the process says about itself on standard error.
public struct LogConfiguration: Equatable, Sendable {
  /// The levels of swift-log.
  public enum Level: String, CaseIterable, Sendable {
    case trace, debug, info, notice, warning, error, critical
  }

  public enum Format: String, CaseIterable, Sendable {
    case text, json
  }

  public var level = Level.info
  public var format = Format.text

  public init() {}
}

extension LogConfiguration: SchemaObject {
  static var keys: KeyTable<LogConfiguration> {
    KeyTable(keys: [
      .optional(
        "level", \.level, .word(), "messages below this level are left out (flag --log-level)"),
      .optional(
        "format", \.format, .word(), "text for people, json for machines (flag --log-format)"),
    ])
  }
}
