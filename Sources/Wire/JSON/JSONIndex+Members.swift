// Many members of an object or elements of an array at a time, while the rest of it is still to come: what lets a message that
// arrives in pieces be read almost as quickly as one that is there.
//
//     [{"a":1},{"a":2},{"a"         a bracket, and the piece of the document that has arrived
//     └──── read ────┘              the document that the index holds afterwards; the comma stands for its end

extension JSONIndex {
  /// Reads the beginning of an object or array, as far as its members (or elements) are complete.
  ///
  /// Afterwards the index holds a document of these alone, whose cursors and hits may be used; its outermost object or array has no
  /// end of its own, and nothing is proved of the keys of that object but what they are.
  /// - Parameters:
  ///   - bytes: begins with the bracket.
  ///   - depthMax: deepest nesting, this object or array included; the index's own limit holds as well.
  /// - Returns: how many bytes the bracket and the complete members take; there is one more behind them, which is the
  ///   document's last token and must be there when cursors are used. 0 when none is complete, and when something is
  ///   wrong, even behind them: the index holds nothing then.
  public mutating func readMembers(
    _ bytes: RawSpan, watch: borrowing JSONWatch, depthMax: Int
  ) -> Int {
    begin()
    self.depthMax = min(depthMax, limits.depthMax)
    if case .violation(let violation) = advance(bytes, isFinal: false, watch: watch),
      violation.reason != .trailingBytes
    {
      return 0
    }
    guard let end = tokenBehindMembers(), end > 1 else { return 0 }
    if end == count {
      // An object or array has just ended, and what comes next is not known yet. There is room for one token more.
      unsafe positions[end] = positions[end &- 1] &+ 1
    }
    count = end &+ 1
    unsafe links[0] = UInt32(truncatingIfNeeded: end) | Self.containerTag
    unsafe links[end] = Self.noParent | Self.containerTag
    while hitCount > 0, Int(hit(hitCount &- 1).token.index) >= end { hitCount &-= 1 }
    expect = .nothing
    failure = nil
    return unsafe Int(positions[end])
  }

  /// Calls `body` with the keys of the object that `readMembers` has read, as they stand between their quotes, until it says no.
  public func everyMember(_ body: (ByteRange) -> Bool) -> Bool {
    var key = 1
    while key < count &- 1 {
      guard body(contents(of: JSONToken(key))) else { return false }
      key = afterValue(key &+ 2) &+ 1
    }
    return true
  }

  /// The comma or bracket behind the last complete member.
  private func tokenBehindMembers() -> Int? {
    if expect == .nothing { return unsafe Int(links[0] & ~Self.containerTag) }
    if depth > 1 {
      // Before the value that goes on: a comma, or comma, key and colon.
      return unsafe Int(frames[2].open) &- (frames[1].isObject ? 3 : 1)
    }
    guard depth == 1 else { return nil }
    switch expect {
    case .member, .element: return next &- 1
    case .commaOrClose: return next
    case .root, .memberOrClose, .elementOrClose, .nothing: return nil
    }
  }
}
