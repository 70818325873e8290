import Policy

/// A piece of the configuration file: what YAML says there, and where.
///
/// Scalars keep their text as written. Whether `8080` is a number or a name is the schema's
/// business, not YAML's: `no`, `1.10` and `0x1F` mean what the key they stand under says.
struct Node {
  enum Content {
    case scalar(Scalar)
    case list([Node])
    case mapping([Member])
  }

  struct Scalar {
    var text: String
    /// Written without quotes: only then can it be a number, a truth value or null.
    var isPlain: Bool

    /// Nothing was written, or YAML's word for nothing.
    var isNull: Bool { isPlain && ["", "~", "null", "Null", "NULL"].contains(text) }
  }

  struct Member {
    var key: String
    var keyOrigin: Origin
    var value: Node
  }

  /// Who said so.
  enum Origin: Equatable {
    case file(SourcePosition)
    /// A flag of the command line, with its dashes.
    case flag(String)

    var position: SourcePosition? {
      if case .file(let position) = self { position } else { nil }
    }
  }

  var content: Content
  var origin: Origin

  /// What it is, in a person's words, for errors.
  var kindName: String {
    switch content {
    case .scalar(let scalar) where scalar.isNull: "nothing"
    case .scalar: "a single value"
    case .list: "a list"
    case .mapping: "a mapping"
    }
  }
}
