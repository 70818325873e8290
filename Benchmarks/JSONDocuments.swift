/// Answers such as an MCP server over an orders database gives, generated so that every run reads the same bytes.
struct AnswerDocuments {
  private var state: UInt64 = 42

  private mutating func number(_ range: Range<Int>) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return range.lowerBound + Int((state >> 33) % UInt64(range.count))
  }

  private mutating func pick(_ choices: [String]) -> String { choices[number(0..<choices.count)] }

  private mutating func digits(_ count: Int) -> String {
    (0..<count).map { _ in String(number(0..<10)) }.joined()
  }

  /// An order with its customer and items: nested objects, about 700 bytes.
  mutating func order() -> String {
    let first = pick(["Alice", "Bruno", "Chloé", "Dmitri", "Eleanor", "Farid", "Grace", "Håkon"])
    let last = pick(["Anderson", "Brown", "Castillo", "Dubois", "Eriksson", "Fischer", "García"])
    let items = (0..<number(1..<4)).map { _ in
      #"{"sku":"\#(pick(["KB", "MS", "DP", "CH"]))-\#(digits(4))","title":"\#(pick(["Mechanical keyboard, tenkeyless", "Wireless mouse", "27 inch display", "USB-C charger"]))","quantity":\#(number(1..<5)),"unit_price":\#(number(5..<400)).\#(number(10..<99))}"#
    }.joined(separator: ",")
    return
      #"{"order_id":\#(number(100_000..<999_999)),"created_at":"2026-0\#(number(1..<9))-1\#(number(0..<9))T0\#(number(0..<9)):26:53Z","status":"\#(pick(["shipped", "pending", "delivered", "returned"]))","total":\#(number(10..<2000)).\#(number(10..<99)),"currency":"EUR","customer":{"id":\#(number(1000..<90000)),"name":"\#(first) \#(last)","email":"\#(first.lowercased().prefix(3)).\#(digits(3))@example.com","phone":"+49 30 \#(digits(7))","ssn":"\#(digits(3))-\#(digits(2))-\#(digits(4))","date_of_birth":"19\#(number(40..<99))-0\#(number(1..<9))-1\#(number(0..<9))","vip":\#(pick(["true", "false"])),"address":{"street":"\#(number(1..<99)) Long Lane","city":"\#(pick(["Berlin", "Lyon", "Malmö", "Porto"]))","zip":"\#(digits(5))","country":"DE"}},"items":[\#(items)],"card_number":"4111 1111 \#(digits(4)) \#(digits(4))","coupon":null,"notes":"\#(pick(["", "Leave the parcel with the neighbour in the second floor, please.", "Customer asked for an invoice without VAT; see ticket 4711.", "It's a gift."]))"}"#
  }

  /// A flat row as SQL servers give them: short keys and values, about 190 bytes.
  mutating func row() -> String {
    #"{"id":\#(number(1..<99999)),"name":"\#(pick(["Alice", "Bob", "Carol"])) \#(pick(["Smith", "Jones", "Miller"]))","email":"user\#(digits(4))@example.com","ssn":"\#(digits(3))-\#(digits(2))-\#(digits(4))","phone":"555-\#(digits(4))","city":"\#(pick(["Austin", "Boston", "Chicago"]))","balance":\#(number(1..<9999)).\#(number(10..<99)),"active":\#(pick(["true", "false"])),"date_of_birth":"1970-01-\#(number(10..<29))","card_number":"4111\#(digits(12))"}"#
  }

  /// A tools/call answer with records in structuredContent, at least `bytes` long.
  mutating func structured(bytes: Int, flat: Bool) -> [UInt8] {
    var records: [String] = []
    var size = 120
    while size < bytes {
      let record = flat ? row() : order()
      records.append(record)
      size += record.utf8.count + 1
    }
    return Array(
      #"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"\#(records.count) rows"}],"structuredContent":{"rows":[\#(records.joined(separator: ","))]},"isError":false}}"#
        .utf8)
  }

  /// An answer with the rows both in structuredContent and as JSON text, as SDKs write it; about `bytes` long.
  mutating func doubled(bytes: Int) -> [UInt8] {
    var records: [String] = []
    var size = 120
    while size < bytes {
      let record = row()
      records.append(record)
      size += record.utf8.count * 2 + 70
    }
    let rows = #"{"rows":[\#(records.joined(separator: ","))]}"#
    let text = rows.map { $0 == "\"" ? "\\\"" : String($0) }.joined()
    return Array(
      #"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"\#(text)"}],"structuredContent":\#(rows),"isError":false}}"#
        .utf8)
  }
}
