import ExampleServer

/// Strings as JSON, for log lines and for requests of the tour.
enum JSONText {
  static func quoted(_ text: String) -> String { JSONValue.string(text).json }
}
