/// Times of the record in words, in UTC.
public enum RecordedTime {
  /// `2026-11-23 14:31:07.042`
  static func text(_ nanoseconds: UInt64) -> String {
    let milliseconds = nanoseconds / 1_000_000
    let seconds = milliseconds / 1000
    let (year, month, day) = date(daysSince1970: Int(seconds / 86400))
    let time = Int(seconds % 86400)
    return pad(year, 4) + "-" + pad(month, 2) + "-" + pad(day, 2) + " "
      + pad(time / 3600, 2) + ":" + pad(time / 60 % 60, 2) + ":" + pad(time % 60, 2) + "."
      + pad(Int(milliseconds % 1000), 3)
  }

  /// `2026-11-23T14:31:07.042Z`
  static func iso(_ nanoseconds: UInt64) -> String {
    text(nanoseconds).replacing(" ", with: "T") + "Z"
  }

  /// `850 µs`, `12.3 ms`, `4.5 s`, `3 min 5 s`, `2 h 10 min`, `3 days`
  public static func duration(microseconds: UInt64) -> String {
    if microseconds < 1000 { return "\(microseconds) µs" }
    if microseconds < 1_000_000 { return tenths(microseconds / 100) + " ms" }
    if microseconds < 60_000_000 { return tenths(microseconds / 100_000) + " s" }
    let seconds = microseconds / 1_000_000
    if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
    if seconds < 172_800 { return "\(seconds / 3600) h \(seconds / 60 % 60) min" }
    return "\(seconds / 86_400) days"
  }

  private static func tenths(_ value: UInt64) -> String { "\(value / 10).\(value % 10)" }

  private static func pad(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }

  /// The Gregorian date, counted in 400-year eras that begin on 1 March, so that the leap day comes last.
  private static func date(daysSince1970 days: Int) -> (Int, Int, Int) {
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }
}
