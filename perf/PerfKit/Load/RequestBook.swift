/// Everything a run sends, made beforehand, and the order of its calls.
final class RequestBook: Sendable {
  /// Places in `templates`.
  struct Slots {
    static let initialize = 0
    static let initialized = 1
    static let firstCall = 2
  }

  private let templates: [RequestTemplate]
  /// Which call comes when, over and over: each as often as its weight says, evenly spread.
  private let order: [Int]
  private let answer: LoadSettings.AnswerChoice

  init(_ settings: LoadSettings) {
    precondition(!settings.calls.isEmpty && settings.calls.allSatisfy { $0.weight > 0 })
    let client = #"{"name":"sluice-load","version":"1"}"#
    var templates = [
      RequestTemplate(
        settings, era: .legacy, method: "initialize", name: nil,
        params: #"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":\#(client)}"#),
      RequestTemplate(
        settings, era: .legacy, method: "notifications/initialized", name: nil, params: nil,
        isNotification: true),
    ]
    for call in settings.calls {
      for era in WireEra.allCases {
        for streams in [false, true] {
          templates.append(RequestBook.make(call, era, streams, settings, client))
        }
      }
    }
    self.templates = templates
    order = RequestBook.spread(settings.calls.map(\.weight))
    answer = settings.answer
  }

  subscript(index: Int) -> RequestTemplate { templates[index] }

  /// The template of the `number`th request of a thread.
  func template(number: UInt64, era: WireEra) -> Int {
    let call = order[Int(number % UInt64(order.count))]
    let streams =
      switch answer {
      case .json: false
      case .sse: true
      // Not in step with the order of calls.
      case .mix: (number / UInt64(order.count) + number % UInt64(order.count)) % 2 == 1
      }
    return Slots.firstCall + call * 4 + Int(era.rawValue) * 2 + (streams ? 1 : 0)
  }

  private static func make(
    _ call: LoadSettings.Call, _ era: WireEra, _ streams: Bool, _ settings: LoadSettings,
    _ client: String
  ) -> RequestTemplate {
    let meta =
      era == .modern
      ? #""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":\#(client),"io.modelcontextprotocol/clientCapabilities":{}}"#
      : ""
    if ["tools/list", "server/discover", "ping"].contains(call.name) {
      return RequestTemplate(
        settings, era: era, method: call.name, name: nil, params: "{\(meta)}")
    }
    var arguments = call.arguments
    if streams {
      let rest = arguments.dropFirst().drop { $0.isWhitespace }
      arguments = #"{"stream":true"# + (rest.first == "}" ? "" : ",") + rest
    }
    let separator = meta.isEmpty ? "" : ","
    return RequestTemplate(
      settings, era: era, method: "tools/call", name: call.name,
      params: #"{"name":"\#(call.name)","arguments":\#(arguments)\#(separator)\#(meta)}"#)
  }

  /// Smooth weighted round robin: weights 2 and 1 give 0, 1, 0.
  static func spread(_ weights: [Int]) -> [Int] {
    let total = weights.reduce(0, +)
    var credit = [Int](repeating: 0, count: weights.count)
    return (0..<total).map { _ in
      for index in weights.indices { credit[index] += weights[index] }
      let chosen = credit.indices.max { credit[$0] < credit[$1] }!
      credit[chosen] -= total
      return chosen
    }
  }
}
