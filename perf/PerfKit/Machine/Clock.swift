internal import CLinux
import Glibc

/// The monotonic clock that event loops use.
public enum Clock {
  public static var now: UInt64 { linux_monotonic_nanoseconds() }

  /// Sleeps on the calling thread; only for threads that run no event loop.
  public static func sleep(milliseconds: UInt32) { usleep(milliseconds * 1000) }
}
