import Foundation
import NIOCore
import Testing

@testable import ControlPlane

@Suite struct ListenFailureTests {
  @Test func theSystemsWordsAreEnough() {
    let error = IOError(errnoCode: EADDRINUSE, reason: "bind(descriptor:ptr:bytes:)")
    #expect(ListenFailure.text(of: error) == "Address already in use")
    #expect(ListenFailure.text(of: CancellationError()) == "CancellationError()")
  }
}
