/// The records a model answer is made of: personal data, invented, the same in every run.
///
/// Five fields are for masking: `email`, `ssn`, `phone`, `card`, `address`.
enum Customers {
  static let names = [
    "Ada Byron", "Bela Kovacs", "Chen Mei", "Dora Marsden", "Emil Post", "Fatima Zahra",
    "Georg Ohm",
    "Hedy Kiesler", "Ivo Perutz", "Jun Sato", "Karen Jones", "Lise Meitner",
  ]
  static let streets = ["Mill Lane", "High Street", "Harbour Road", "Station Square", "Abbey Walk"]

  /// Record number `index` as a JSON object; ASCII, no space.
  static func record(_ index: Int) -> String {
    let name = names[index % names.count]
    let account = name.lowercased().split(separator: " ").joined(separator: ".")
    let ssn =
      "\(digits(100 + index % 800, 3))-\(digits(10 + index % 89, 2))-\(digits(index * 37, 4))"
    let phone = "+1-555-\(digits(index * 13, 3))-\(digits(index * 7919, 4))"
    let card = "4111-\(digits(index * 11, 4))-\(digits(index * 101, 4))-\(digits(index * 997, 4))"
    let address = "\(index % 199 + 1) \(streets[index % streets.count]), Springfield"
    return """
      {"id":\(1000 + index),"name":"\(name)","email":"\(account)\(index)@example.com","ssn":"\(ssn)",\
      "phone":"\(phone)","card":"\(card)","address":"\(address)","segment":"retail",\
      "orders":\(index % 23),"total":\(index * 17 % 5000).\(digits(index, 2)),"active":\(index % 3 != 0)}
      """
  }

  /// The number's last `count` digits.
  private static func digits(_ number: Int, _ count: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, count - text.count)) + text.suffix(count)
  }
}
