public import Wire

/// The masked fields of a policy, compiled at load: a hash table from names to fields in one block of memory, so that
/// looking up a key allocates nothing and counts no references.
///
/// Example: `email` and `customer.card.number` make two names, `email` and `number`; the field of the second
/// has the path [card, customer] (nearest first) that its key's containers must be the values of.
@safe
public final class MaskProgram: Sendable {
  /// Longest path.
  public static let pathLengthMax = 16
  public static let fieldsMax = 4096

  /// The keys of the protocol whose values are Base64 or URLs.
  private static let encodedNames = ["blob", "data", "url"]

  /// For reading documents that are to be masked.
  public let watch: JSONWatch
  /// Every rule that has fields.
  public let rules: MaskRuleSet
  let tables: MaskTables

  public init(fields: [MaskField]) throws(MaskError) {
    guard fields.count <= Self.fieldsMax else { throw .tooManyFields(limit: Self.fieldsMax) }
    var rules = MaskRuleSet()
    var watch = JSONWatch()
    for field in fields {
      guard (0..<256).contains(field.rule) else { throw .ruleOutOfRange(rule: field.rule) }
      guard let name = field.path.last else { throw .emptyPath(rule: field.rule) }
      guard field.path.allSatisfy({ !$0.isEmpty }) else { throw .emptyName(rule: field.rule) }
      guard field.path.count <= Self.pathLengthMax else {
        throw .pathTooLong(rule: field.rule, limit: Self.pathLengthMax)
      }
      rules.insert(field.rule)
      watch.insert(name)
    }
    // What is encoded in one of these ways is looked into.
    if !fields.isEmpty { for name in Self.encodedNames { watch.insert(name) } }
    self.rules = rules
    self.watch = watch
    unsafe tables = unsafe MaskTables(fields: fields)
  }

  deinit { unsafe tables.deallocate() }
}

/// A name in lower case: a stretch of `MaskTables.text`.
struct MaskName: BitwiseCopyable {
  var offset: UInt32
  var count: UInt32
}

/// The fields that end with one name.
struct MaskEntry: BitwiseCopyable {
  var hash: UInt32
  var name: MaskName
  var firstField: UInt32
  var fieldCount: UInt32
  /// The first sixteen bytes of the name, and zeros.
  var spelling: SIMD16<UInt8>
  /// Ones where `spelling` has bytes of the name.
  var spelled: SIMD16<UInt8>

  /// Longer names are compared byte by byte.
  static var spellingMax: Int { 16 }

  init(hash: UInt32, name: MaskName, text: [UInt8], firstField: UInt32, fieldCount: UInt32) {
    self.hash = hash
    self.name = name
    self.firstField = firstField
    self.fieldCount = fieldCount
    spelling = SIMD16(repeating: 0)
    spelled = SIMD16(repeating: 0)
    for offset in 0..<min(Int(name.count), Self.spellingMax) {
      spelling[offset] = text[Int(name.offset) + offset]
      spelled[offset] = 0xFF
    }
  }

  /// Whether the `count` bytes at `place` are the name as it is, in lower case, which is the common spelling. Sixteen bytes
  /// are readable. Says no to names longer than that.
  @inline(__always)
  func isSpelled(_ place: UnsafeRawPointer, _ count: UInt32) -> Bool {
    guard count == name.count, count <= Self.spellingMax else { return false }
    let bytes = unsafe place.loadUnaligned(as: SIMD16<UInt8>.self)
    return unsafe unsafeBitCast(bytes & spelled, to: SIMD2<UInt64>.self)
      == unsafeBitCast(spelling, to: SIMD2<UInt64>.self)
  }
}

struct MaskCompiledField: BitwiseCopyable {
  var rule: UInt16
  var treatment: MaskTreatment
  /// Names that the key's containers must belong to, nearest first.
  var pathCount: UInt8
  var firstName: UInt32
}

/// The program's memory. Owned by the `MaskProgram`, whose lifetime bounds every use.
@unsafe
struct MaskTables: @unchecked Sendable {
  /// Tells programs apart, also those that are gone.
  let id = UInt64.random(in: 1...UInt64.max)
  let text: UnsafeMutableBufferPointer<UInt8>
  let slots: UnsafeMutableBufferPointer<UInt16>
  let entries: UnsafeMutableBufferPointer<MaskEntry>
  let fields: UnsafeMutableBufferPointer<MaskCompiledField>
  let names: UnsafeMutableBufferPointer<MaskName>
  /// Whether some field has a path of more than one name.
  let hasPaths: Bool
  /// Bytes of the longest name that ends a path.
  let longestName: Int
  /// Whether such a name has a quote, apostrophe or backslash in it.
  let hasQuotedNames: Bool

  init(fields: [MaskField]) {
    var text: [UInt8] = []
    var names: [MaskName] = []
    var compiled: [MaskCompiledField] = []
    var entries: [MaskEntry] = []
    func intern(_ name: String) -> MaskName {
      let start = text.count
      text += name.utf8.map(asciiLowercased)
      return MaskName(offset: UInt32(start), count: UInt32(text.count - start))
    }
    var order: [String] = []
    var groups: [String: [MaskField]] = [:]
    for field in fields {
      let name = String(decoding: field.path.last!.utf8.map(asciiLowercased), as: UTF8.self)
      if groups[name] == nil { order.append(name) }
      groups[name, default: []].append(field)
    }
    for name in order {
      let place = intern(name)
      entries.append(
        MaskEntry(
          hash: JSONWatch.hash(of: name), name: place, text: text,
          firstField: UInt32(compiled.count), fieldCount: UInt32(groups[name]!.count)))
      for field in groups[name]! {
        let path = field.path.dropLast().reversed()
        compiled.append(
          MaskCompiledField(
            rule: UInt16(field.rule), treatment: field.treatment, pathCount: UInt8(path.count),
            firstName: UInt32(names.count)))
        names += path.map(intern)
      }
    }
    // At most half full, so that every search meets an empty slot.
    var slotCount = 16
    while slotCount < 2 * entries.count { slotCount *= 2 }
    unsafe slots = .allocate(capacity: slotCount)
    unsafe slots.initialize(repeating: 0)
    for (number, entry) in entries.enumerated() {
      var slot = Int(entry.hash) & (slotCount - 1)
      while unsafe slots[slot] != 0 { slot = (slot + 1) & (slotCount - 1) }
      unsafe slots[slot] = UInt16(number + 1)
    }
    unsafe hasPaths = fields.contains { $0.path.count > 1 }
    unsafe longestName = order.map(\.utf8.count).max() ?? 0
    unsafe hasQuotedNames = order.contains { $0.utf8.contains { "\"'`\\".utf8.contains($0) } }
    unsafe self.text = Self.copied(text)
    unsafe self.names = Self.copied(names)
    unsafe self.fields = Self.copied(compiled)
    unsafe self.entries = Self.copied(entries)
  }

  private static func copied<Element: BitwiseCopyable>(
    _ elements: [Element]
  ) -> UnsafeMutableBufferPointer<Element> {
    let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: max(1, elements.count))
    _ = unsafe memory.initialize(from: elements)
    return unsafe UnsafeMutableBufferPointer(rebasing: memory[..<elements.count])
  }

  func deallocate() {
    unsafe text.baseAddress?.deallocate()
    unsafe slots.deallocate()
    unsafe entries.baseAddress?.deallocate()
    unsafe fields.baseAddress?.deallocate()
    unsafe names.baseAddress?.deallocate()
  }

  /// The first entry that a key with this hash may belong to; ask again with the slot after it for the next.
  @inline(__always)
  func entry(hash: UInt32, slot: inout Int) -> Int? {
    let mask = unsafe slots.count &- 1
    while true {
      let number = unsafe slots[slot & mask]
      slot &+= 1
      if number == 0 { return nil }
      if unsafe entries[Int(number) &- 1].hash == hash { return Int(number) &- 1 }
    }
  }
}

/// The letters A to Z in lower case, every other byte as it is.
@inline(__always)
func asciiLowercased(_ byte: UInt8) -> UInt8 {
  byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
}
