/// A fixed number of slots for ~Copyable state, addressed by index, with a generation each.
///
/// Memory is claimed at once but touched only as far as slots are used, and a freed slot is used again before a
/// fresh one, so resident memory follows the high-water mark. Elements never move.
///
/// Example, with three slots: `insert` gives 0, 1; `remove(0)`; the next `insert` gives 0 again with generation 1,
/// and whoever still holds (0, generation 0) finds `contains` false.
@safe
@frozen
public struct Slab<Element: ~Copyable>: ~Copyable {
  @usableFromInline let elements: UnsafeMutablePointer<Element>
  /// Per slot: the generation, and in the top bit whether the slot is in use.
  @usableFromInline let states: UnsafeMutablePointer<UInt32>
  /// Freed slots, as a stack.
  @usableFromInline let freed: UnsafeMutablePointer<UInt32>
  @usableFromInline var freedCount: Int = 0
  @usableFromInline var fresh: Int = 0
  /// How many slots there are.
  public let capacity: Int
  /// How many are in use.
  public private(set) var count: Int = 0

  @usableFromInline static var used: UInt32 { 0x8000_0000 }

  public init(capacity: Int) {
    precondition(capacity > 0 && capacity < Int(Int32.max))
    unsafe elements = .allocate(capacity: capacity)
    unsafe states = .allocate(capacity: capacity)
    unsafe freed = .allocate(capacity: capacity)
    self.capacity = capacity
  }

  deinit {
    for slot in 0..<fresh {
      if unsafe states[slot] & Slab.used != 0 { unsafe (elements + slot).deinitialize(count: 1) }
    }
    unsafe elements.deallocate()
    unsafe states.deallocate()
    unsafe freed.deallocate()
  }

  /// Puts `element` into a free slot, or gives nil (and destroys the element) when all are in use.
  public mutating func insert(_ element: consuming Element) -> UInt32? {
    let slot: Int
    if freedCount > 0 {
      freedCount &-= 1
      slot = unsafe Int(freed[freedCount])
    } else if fresh < capacity {
      slot = fresh
      unsafe states[slot] = 0
      fresh &+= 1
    } else {
      return nil
    }
    unsafe (elements + slot).initialize(to: element)
    unsafe states[slot] |= Slab.used
    count &+= 1
    return UInt32(truncatingIfNeeded: slot)
  }

  /// Takes the element out; its slot gets a new generation.
  public mutating func remove(_ slot: UInt32) -> Element {
    precondition(isUsed(slot))
    let index = Int(slot)
    unsafe states[index] = (states[index] &+ 1) & ~Slab.used
    unsafe freed[freedCount] = slot
    freedCount &+= 1
    count &-= 1
    return unsafe (elements + index).move()
  }

  @inlinable
  public func isUsed(_ slot: UInt32) -> Bool {
    unsafe Int(slot) < fresh && states[Int(slot)] & Slab.used != 0
  }

  /// The slot's current generation, the low 16 bits of a counter.
  @inlinable
  public func generation(_ slot: UInt32) -> UInt16 {
    precondition(Int(slot) < fresh)
    return unsafe UInt16(truncatingIfNeeded: states[Int(slot)])
  }

  /// Whether the slot is in use and still in that generation.
  @inlinable
  public func contains(_ slot: UInt32, generation: UInt16) -> Bool {
    isUsed(slot) && self.generation(slot) == generation
  }

  /// One past the highest slot ever used, for walking over all.
  public var highWater: UInt32 { UInt32(truncatingIfNeeded: fresh) }

  /// The element in a slot that is in use.
  ///
  /// Writing does not need the slab to be mutable: two slots can be changed in one expression, and a method of the
  /// slab's owner can be called with a slot's field at hand.
  @inlinable
  public subscript(slot: UInt32) -> Element {
    @inline(__always)
    unsafeAddress {
      precondition(isUsed(slot))
      return unsafe UnsafePointer(elements + Int(slot))
    }
    @inline(__always)
    nonmutating unsafeMutableAddress {
      precondition(isUsed(slot))
      return unsafe elements + Int(slot)
    }
  }
}
