/// How much of a document the index is willing to read before it refuses it.
public struct JSONLimits: Sendable {
  /// What the document's first value may be.
  public enum Root: UInt8, Sendable {
    /// Only `{`: an MCP message.
    case objectOnly
    /// Any JSON value: text nested in strings.
    case anyValue
  }

  /// Deepest nesting of objects and arrays; 1 is a flat object. At most 1024.
  public var depthMax: Int
  /// Longest number, in bytes of its literal. At most 255.
  public var numberLengthMax: Int
  /// Longest string, in bytes between its quotes as they are in the document.
  public var stringLengthMax: Int
  /// Longest document in bytes. At most 512 MiB.
  public var documentBytesMax: Int
  /// What the first value may be.
  public var root: Root

  public init(
    depthMax: Int = 64, numberLengthMax: Int = 64, stringLengthMax: Int = 16 << 20,
    documentBytesMax: Int = 16 << 20, root: Root = .objectOnly
  ) {
    precondition((1...1024).contains(depthMax))
    precondition((1...255).contains(numberLengthMax))
    precondition(stringLengthMax >= 0)
    precondition((1...(512 << 20)).contains(documentBytesMax))
    self.depthMax = depthMax
    self.numberLengthMax = numberLengthMax
    self.stringLengthMax = stringLengthMax
    self.documentBytesMax = documentBytesMax
    self.root = root
  }
}
