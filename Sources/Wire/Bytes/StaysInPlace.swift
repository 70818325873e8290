import Synchronization

/// A member that makes a large struct stay where it is.
///
/// A struct without one is loaded and stored as a value: a mutating method that calls one that only reads copies
/// the whole struct to the stack for the call, which costs hundreds of bytes (a `JSONIndex`) or thousands
/// (a worker) each time. Atomics have an address, and so has every struct that holds one: it is handed on by that
/// address. Nothing is ever read from or written to the member.
package struct StaysInPlace: ~Copyable {
  private let address = Atomic<UInt8>(0)
  package init() {}
}
