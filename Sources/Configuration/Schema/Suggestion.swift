/// "Did you mean …?" for a word that was probably mistyped.
enum Suggestion {
  /// The candidate nearest to the word, if it is near enough to be what was meant: at most a third
  /// of it differs.
  static func among(_ candidates: some Sequence<String>, for word: String) -> String? {
    guard !word.isEmpty, word.utf8.count <= 64 else { return nil }
    let folded = fold(word)
    let nearest = candidates.map { (candidate: $0, distance: distance(folded, fold($0))) }
      .min { $0.distance < $1.distance }
    guard let nearest, nearest.candidate != word else { return nil }
    let allowed = max(1, max(word.count, nearest.candidate.count) / 3)
    return nearest.distance <= allowed ? nearest.candidate : nil
  }

  /// Case and the choice of separator are no difference.
  private static func fold(_ word: String) -> [Character] {
    word.lowercased().map { $0 == "-" || $0 == " " ? "_" : $0 }
  }

  /// Insertions, deletions, replacements and swaps of neighbours between two words (optimal string
  /// alignment).
  static func distance(_ left: [Character], _ right: [Character]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for (row, character) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        var best = min(
          previous[column] + (character == other ? 0 : 1), current[column] + 1,
          previous[column + 1] + 1)
        if row > 0, column > 0, character == right[column - 1], left[row - 1] == other {
          best = min(best, beforePrevious[column - 1] + 1)
        }
        current.append(best)
      }
      (beforePrevious, previous) = (previous, current)
    }
    return previous[right.count]
  }
}

/// Lists in sentences.
enum Listing {
  static func or(_ words: [String]) -> String { join(words.map { "\"\($0)\"" }, "or") }
  static func and(_ words: [String]) -> String { join(words, "and") }

  private static func join(_ words: [String], _ conjunction: String) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " \(conjunction) " + last
  }
}
