import Console
import HummingbirdTesting
import Testing

@Suite struct SettingsTests {
  @Test func listensOnLoopbackUnlessToldOtherwise() {
    #expect(ConsoleSettings().host == "127.0.0.1")
  }
}
