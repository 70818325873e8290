internal import Foundation
internal import Synchronization

/// Counts wrong passwords, per address and in all, so that guessing takes longer than anybody lives.
final class LoginThrottle: Sendable {
  private struct Window {
    var started: Date
    var failures: Int
  }

  private struct State {
    var all: Window
    var addresses: [String: Window] = [:]
  }

  /// Addresses with failures that are remembered at once.
  static let addressesMax = 4096

  private let limits: ConsoleLimits
  private let now: @Sendable () -> Date
  private let state: Mutex<State>

  init(limits: ConsoleLimits, now: @escaping @Sendable () -> Date) {
    self.limits = limits
    self.now = now
    state = Mutex(State(all: Window(started: now(), failures: 0)))
  }

  /// Takes one attempt from the address's allowance before the password is looked at, so that attempts made at the same time
  /// count as well.
  /// - Returns: nil when the attempt may be made, else the seconds to wait.
  func begin(from address: String) -> Int? {
    let now = now()
    return state.withLock { state in
      if isOver(state.all, now) { state.all = Window(started: now, failures: 0) }
      var window = state.addresses[address] ?? Window(started: now, failures: 0)
      if isOver(window, now) { window = Window(started: now, failures: 0) }
      guard window.failures < limits.loginFailuresMax else { return wait(window, now) }
      guard state.all.failures < limits.loginFailuresAllMax else { return wait(state.all, now) }
      if state.addresses[address] == nil, state.addresses.count >= LoginThrottle.addressesMax {
        state.addresses = state.addresses.filter { !isOver($0.value, now) }
        guard state.addresses.count < LoginThrottle.addressesMax else {
          return wait(state.all, now)
        }
      }
      window.failures += 1
      state.all.failures += 1
      state.addresses[address] = window
      return nil
    }
  }

  /// The password was right: the attempt does not count.
  func succeed(from address: String) {
    state.withLock { state in
      state.addresses[address] = nil
      state.all.failures = max(0, state.all.failures - 1)
    }
  }

  private func isOver(_ window: Window, _ now: Date) -> Bool {
    now.timeIntervalSince(window.started) >= limits.loginWindowSeconds
  }

  private func wait(_ window: Window, _ now: Date) -> Int {
    max(1, Int(limits.loginWindowSeconds - now.timeIntervalSince(window.started)) + 1)
  }
}
