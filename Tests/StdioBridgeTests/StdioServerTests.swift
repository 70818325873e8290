import StdioBridge
import Testing

@Suite struct StdioServerTests {
  @Test func passesNothingOfItsOwnEnvironmentOn() {
    #expect(StdioServer(name: "a", command: ["b"]).environment.isEmpty)
  }
}
