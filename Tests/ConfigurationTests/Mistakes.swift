import Testing

// What a person reads when a configuration is wrong: the exact texts, one case per mistake. A
// change here is a change of the product, and should be read as one.

/// A mistake, and what is said about it (without the file's name and the excerpt).
struct Mistake: Sendable, CustomTestStringConvertible {
  var name: String
  var text: String
  var expected: String

  init(_ name: String, _ text: String, _ expected: String) {
    self.name = name
    self.text = text
    self.expected = expected
  }

  var testDescription: String { name }
}
