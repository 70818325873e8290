/// One metric with all its samples, as Prometheus takes it.
public struct MetricFamily: Sendable, Equatable {
  public enum Kind: String, Sendable {
    case counter, gauge, histogram
  }

  public struct Sample: Sendable, Equatable {
    /// `_bucket`, `_sum` or `_count` of a histogram; empty otherwise.
    public var suffix = ""
    public var labels: [(name: String, value: String)]
    public var value: Double

    public init(_ value: Double, suffix: String = "", labels: [(name: String, value: String)] = [])
    {
      self.value = value
      self.suffix = suffix
      self.labels = labels
    }

    public static func == (left: Sample, right: Sample) -> Bool {
      left.suffix == right.suffix && left.value == right.value
        && left.labels.elementsEqual(right.labels) { $0 == $1 }
    }
  }

  /// Letters, digits and underscores, with the unit last; a counter's ends in `_total`.
  public var name: String
  public var help: String
  public var kind: Kind
  public var samples: [Sample]

  public init(_ kind: Kind, _ name: String, _ help: String, _ samples: [Sample]) {
    self.kind = kind
    self.name = name
    self.help = help
    self.samples = samples
  }
}

extension [MetricFamily] {
  /// The text form, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
  public var prometheusText: String {
    var text = ""
    for family in self {
      text += "# HELP \(family.name) \(escaped(family.help, quotes: false))\n"
      text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
      for sample in family.samples {
        text += family.name + sample.suffix
        if !sample.labels.isEmpty {
          let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
          text += "{" + labels.joined(separator: ",") + "}"
        }
        text += " \(number(sample.value))\n"
      }
    }
    return text
  }

  /// A backslash and a line feed always, a quotation mark in the value of a label.
  private func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    return value == value.rounded() && value.magnitude < 1e15 ? String(Int64(value)) : String(value)
  }
}
