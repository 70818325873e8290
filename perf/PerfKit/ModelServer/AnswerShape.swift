/// Where a model answer carries its records.
public enum AnswerShape: String, Sendable, CaseIterable {
  /// In `result.structuredContent`.
  case structured
  /// As JSON text in `result.content[0].text`.
  case text
  /// In both, as most SDK servers do.
  case both
}

/// The document of a `tools/call` answer, made to an exact length.
///
/// Example: `{"jsonrpc":"2.0","id":` ID `,"result":{"resultType":"complete","content":[…],"structuredContent":{"customers":
/// [{…},{…}],"note":"xxxx"},"isError":false}}`, where the note fills up what no whole record fits into.
struct CallResult {
  /// The text after the id, to the end of the message.
  let text: String

  static let beforeID = #"{"jsonrpc":"2.0","id":"#

  /// - Parameter bytes: length of the whole message with an id of one byte. Where not even an answer without
  ///   records is that small, the answer is as small as it can be.
  init(bytes: Int, shape: AnswerShape, era: WireEra) {
    let room = bytes - CallResult.beforeID.utf8.count - 1
    var records: [String] = []
    var used = CallResult.assemble(records, padding: 0, shape, era).utf8.count
    while true {
      let next = Customers.record(records.count)
      // A record's share: its own text, once per place, with its comma; in text every quote costs a backslash.
      let comma = records.isEmpty ? 0 : 1
      let plain = next.utf8.count + comma
      let escaped = plain + next.utf8.count { $0 == 0x22 }
      let share =
        switch shape {
        case .structured: plain
        case .text: escaped
        case .both: plain + escaped
        }
      if used + share > room { break }
      used += share
      records.append(next)
    }
    // With both places the note is there twice, so one byte may be left over.
    let places = shape == .both ? 2 : 1
    let padding = max(0, (room - used) / places)
    text = CallResult.assemble(records, padding: padding, shape, era)
  }

  private static func assemble(
    _ records: [String], padding: Int, _ shape: AnswerShape, _ era: WireEra
  ) -> String {
    let note = String(repeating: "x", count: padding)
    let data = #"{"customers":["# + records.joined(separator: ",") + #"],"note":""# + note + #""}"#
    let text = shape == .structured ? "Customers, as structured content." : escape(data)
    let structured = shape == .text ? "" : #""structuredContent":"# + data + ","
    let type = era == .modern ? #""resultType":"complete","# : ""
    return #","result":{"# + type + #""content":[{"type":"text","text":""# + text + #""}],"#
      + structured + #""isError":false}}"#
  }

  private static func escape(_ text: String) -> String {
    text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: #"\""#)
  }
}
