extension RecordedTime {
  /// The moment that a text names, in UTC; nil when it is none.
  static func nanoseconds(of text: String) -> UInt64? {
    var text = text[...]
    if text.last == "Z" || text.last == "z" { text.removeLast() }
    let halves = text.split(
      maxSplits: 1, omittingEmptySubsequences: false, whereSeparator: { $0 == "T" || $0 == " " })
    guard let date = numbers(halves.first, "-", widths: [4, 2, 2]) else { return nil }
    var time = [0, 0, 0]
    if halves.count == 2 {
      guard
        let read = numbers(halves[1], ":", widths: [2, 2, 2])
          ?? numbers(halves[1], ":", widths: [2, 2])
      else { return nil }
      time = read + Array(repeating: 0, count: 3 - read.count)
    }
    let isLeap = date[0] % 4 == 0 && (date[0] % 100 != 0 || date[0] % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard date[0] >= 1970, (1...12).contains(date[1]), (1...days[date[1] - 1]).contains(date[2]),
      time[0] < 24, time[1] < 60, time[2] < 60
    else { return nil }
    var day = date[2] - 1
    for month in 0..<date[1] - 1 { day += days[month] }
    let years = date[0] - 1
    let leaps = years / 4 - years / 100 + years / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400)
    day += (date[0] - 1970) * 365 + leaps
    return UInt64(day * 86400 + time[0] * 3600 + time[1] * 60 + time[2]) * 1_000_000_000
  }

  private static func numbers(
    _ text: Substring?, _ separator: Character, widths: [Int]
  ) -> [Int]? {
    guard let parts = text?.split(separator: separator, omittingEmptySubsequences: false),
      parts.count == widths.count
    else { return nil }
    var numbers: [Int] = []
    for (part, width) in zip(parts, widths) {
      guard part.utf8.count == width, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let number = Int(part)
      else { return nil }
      numbers.append(number)
    }
    return numbers
  }
}
