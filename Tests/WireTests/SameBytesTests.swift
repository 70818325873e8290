import Testing

@testable import Wire

@Suite struct SameBytesTests {
  /// Every length up to several words, at every alignment of one side: the same, and different in one bit of any byte.
  @Test func everyByteCounts() {
    for count in 0...40 {
      let text = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      for shift in 0..<8 {
        var other = [UInt8](repeating: 0xAA, count: shift) + text + [0x55]
        #expect(areSame(text, other, at: shift))
        for place in 0..<count {
          other[shift + place] ^= 1 << UInt8(place % 8)
          #expect(!areSame(text, other, at: shift), "byte \(place) of \(count)")
          other[shift + place] ^= 1 << UInt8(place % 8)
        }
      }
    }
  }

  private func areSame(_ text: [UInt8], _ other: [UInt8], at shift: Int) -> Bool {
    unsafe other.withUnsafeBytes { other in
      unsafe text.withUnsafeBytes { text in
        guard let start = text.baseAddress else { return true }
        return unsafe sameBytes(start, other.baseAddress! + shift, text.count)
      }
    }
  }
}
