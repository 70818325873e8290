import ControlPlane
import Proxy
import Testing

@Suite struct SettingsTests {
  @Test func oneWorkerUnlessToldOtherwise() {
    #expect(GatewaySettings().workers == 1)
  }
}
