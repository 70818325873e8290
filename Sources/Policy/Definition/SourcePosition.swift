/// A place in the configuration file a definition was read from, so that an error can point at it.
public struct SourcePosition: Equatable, Hashable, Sendable {
  /// Line, counted from 1.
  public var line: Int
  /// Column, counted from 1.
  public var column: Int

  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// A name or pattern together with where it was written.
///
/// Two are equal when their texts are: the position only serves error messages, and is no part of the meaning.
public struct PositionedText: Equatable, Hashable, Sendable, ExpressibleByStringInterpolation {
  public var text: String
  public var position: SourcePosition?

  public init(_ text: String, position: SourcePosition? = nil) {
    self.text = text
    self.position = position
  }

  public init(stringLiteral value: String) {
    self.init(value)
  }

  public static func == (left: PositionedText, right: PositionedText) -> Bool {
    left.text == right.text
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(text)
  }
}
