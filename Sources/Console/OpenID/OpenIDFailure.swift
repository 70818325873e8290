/// Why a sign-in at a provider came to nothing, in words for a person.
struct OpenIDFailure: Error, Equatable, CustomStringConvertible {
  var description: String
  /// Whether the provider failed, and not the person or the configuration.
  var isTheirs: Bool

  init(_ description: String, isTheirs: Bool = true) {
    self.description = description
    self.isTheirs = isTheirs
  }
}

/// What the provider sent the browser back with (RFC 6749 section 4.1.2, RFC 9207).
struct OpenIDCallback: Equatable {
  var code: String?
  var state: String?
  var issuer: String?
  var error: String?
  var errorDescription: String?
}
