public import Wire

/// How much of a message the streaming masker is willing to keep, and to read.
public struct StreamLimits: Sendable {
  /// Deepest nesting of objects and arrays, in the message and in each document inside its strings.
  public var depthMax = 64
  /// Longest text that is kept whole when it is no JSON, and longest Base64 string. What is longer cannot be judged
  /// before it ends, and is withheld; see `StreamMasker`.
  public var textBytesMax = 4 << 20

  /// A text that looks like JSON is kept whole up to here; a longer one is read as it comes.
  package var nestedBytesMax = 64 << 10
  /// Fewer bytes of a piece than this are read one by one: more at a time is not worth the beginning.
  package var membersBytesMin = 256

  /// Longest number, in bytes of its literal.
  static var numberBytesMax: Int { 64 }
  /// Longest key, in bytes between its quotes.
  static var keyBytesMax: Int { 64 << 10 }
  /// Keys of all objects that are open at a time, in one document.
  static var keysMax: Int { 1 << 17 }
  /// Bytes of the message that are worked on at a time, which bounds what is given out at a time.
  static var pieceBytesMax: Int { 32 << 10 }
  /// Longest value of the envelope that is kept: the id, with its quotes.
  static var noteBytesMax: Int { 258 }

  public init() {}
}

/// Why a message cannot go on. What was given out before is sound, and is not the whole.
public enum StreamViolation: Error, Equatable, Sendable {
  /// No strict JSON.
  case json(JSONViolationReason)
  /// Not the envelope of one answer: other keys, another version, a method, an id that is missing or malformed.
  case envelope
  /// Something that is rewritten or judged as a whole: lists, requests of the server's, states.
  case needsWholeMessage
  /// A key longer than `StreamLimits.keyBytesMax`, or more keys in open objects than `StreamLimits.keysMax`.
  case keys
}

/// What an answer is, as far as it has come.
public enum StreamedKind: UInt8, Sendable {
  case unknown, result, error
}
