import Wire

/// What the next token of a document must be.
enum StreamExpectation: UInt8 {
  case root, memberOrClose, member, colon, value, elementOrClose, element, commaOrClose, nothing
}

/// What becomes of the string that is being read.
enum StringMode: UInt8 {
  /// A key: kept, and passed on as it is.
  case key
  /// Passed on as it is.
  case copy
  /// Of the envelope: kept, and passed on as it is.
  case note
  /// Not passed on, nor its quotes; what stands in its place has been given out.
  case swallow
  /// Not passed on but for its closing quote: a notice has been given out.
  case withheld
  /// Kept until it ends, because what it holds is masked: a text, Base64, or a value of which a part stays readable.
  case text, encoded, partial
  /// A long text that looks like JSON: what it holds is read as it comes, one level further in.
  case nested
  /// A long text that is no JSON, and has had no quote in it so far.
  case plain
}

/// What the envelope, and what lies directly in the result, tell about the message.
enum StreamNote: UInt8 {
  case none, version, id, errorCode, isError, resultType
}

/// An object or array that is still open.
struct StreamFrame {
  var isObject: Bool
  /// Nested documents are data throughout.
  var region: MaskRegion
  /// What becomes of every leaf in it.
  var treatment: MaskTreatment?
  /// Values replaced before it began, where it is the masked value itself; else -1.
  var valuesBefore = -1
  /// Where its keys begin among the level's.
  var firstKey: Int
}

/// What is known about the value that comes next, from its key or its array.
struct StreamValue {
  var treatment: MaskTreatment?
  /// A string here is data.
  var isText = false
  var isEncoded = false
  /// What a container here is.
  var region = MaskRegion.data
  var note = StreamNote.none
  /// An object is the only thing that may stand here.
  var mustBeObject = false
  /// Treatments come from outside: the container around is masked as a whole.
  var isInherited = false
}

/// How far one document has been read: the message itself, or JSON in a string of the level above.
final class StreamLevel {
  let number: Int
  var expect = StreamExpectation.root
  var frames: [StreamFrame] = []
  var value = StreamValue()

  // The string or plain token that is being read, if one is.
  var isInString = false
  var isInToken = false
  var mode = StringMode.copy
  /// The text is known to be no JSON.
  var isNoJSON = false
  var string = StreamString()
  /// Contents of the string, as they stand in the document, as far as they are kept.
  let held = StreamBuffer()
  /// The plain token so far, and whether it is passed on.
  let token = StreamBuffer()
  var isTokenCopied = true

  /// The latest key, unescaped.
  let name = StreamBuffer()
  /// Hashes of the keys of every open object, the innermost last.
  var keys: [UInt64] = []
  /// For every open container, the document itself and the next value: which beginnings of which paths lead to it.
  var reach: [UInt32] = []

  /// The string's contents, unescaped, on their way to the next level; and this level's output, escaped for the one above.
  let decoded = StreamBuffer()
  let escaped = StreamBuffer()

  init(number: Int) {
    self.number = number
    frames.reserveCapacity(16)
  }

  /// Begins another document.
  func reset() {
    expect = .root
    frames.removeAll(keepingCapacity: true)
    keys.removeAll(keepingCapacity: true)
    value = StreamValue()
    isInString = false
    isInToken = false
    held.removeAll()
  }
}
