import Foundation
import Testing

@testable import Status

@Suite struct MetricsTests {
  @Test func whatPrometheusWouldMisreadIsEscaped() {
    let family = MetricFamily(
      .counter, "sluice_x_total", "A \\ and\na \"line\".",
      [.init(3, labels: [("rule", "a\\b\"c\nd"), ("ü", "é")]), .init(0.5)])
    #expect(
      [family].prometheusText == #"""
        # HELP sluice_x_total A \\ and\na "line".
        # TYPE sluice_x_total counter
        sluice_x_total{rule="a\\b\"c\nd",ü="é"} 3
        sluice_x_total 0.5

        """#)
  }

  @Test(arguments: [
    (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (0, "0"), (-2, "-2"),
    (1e20, "1e+20"), (0.1, "0.1"), (123_456_789_012, "123456789012"),
  ])
  func numbersAreAsGoWritesThem(value: Double, text: String) {
    #expect(
      [MetricFamily(.gauge, "x", "h", [.init(value)])].prometheusText.hasSuffix("x \(text)\n"))
  }

  private func latency(_ counts: [UInt64]) -> GatewayStatus.Latency {
    GatewayStatus.Latency(bounds: [0.1, 0.2, 0.4], counts: counts, sumSeconds: 1)
  }

  @Test func bucketsAreCumulativeAndEndWithEverything() {
    let samples = latency([1, 0, 2, 3]).samples(labels: [("server", "a")])
    #expect(
      samples.map(\.suffix) == ["_bucket", "_bucket", "_bucket", "_bucket", "_sum", "_count"])
    #expect(samples.map(\.value) == [1, 1, 3, 6, 1, 6])
    #expect(samples.prefix(4).map { $0.labels[1].value } == ["0.1", "0.2", "0.4", "+Inf"])
  }

  @Test func quantilesLieInTheirBucket() {
    #expect(latency([0, 0, 0, 0]).quantile(0.5) == nil)
    #expect(latency([4, 0, 0, 0]).quantile(0.5) == 0.05)
    #expect(latency([2, 2, 0, 0]).quantile(0.5) == 0.1)
    #expect(abs(latency([2, 2, 0, 0]).quantile(0.75)! - 0.15) < 1e-9)
    #expect(latency([0, 0, 0, 7]).quantile(0.5) == 0.4, "as far as the buckets reach")
    #expect(latency([1, 0, 0, 99]).quantile(0.99) == 0.4)
  }
}
