internal import Identity

/// A file that pages load, under a name that changes with its content.
struct Asset: Sendable {
  let path: String
  let contentType: String
  let bytes: [UInt8]

  static let style = Asset(
    "console", "css", "text/css; charset=utf-8", PackageResources.console_css)
  static let script = Asset(
    "console", "js", "text/javascript; charset=utf-8", PackageResources.console_js)
  static let icon = Asset("favicon", "svg", "image/svg+xml", PackageResources.favicon_svg)
  static let all = [style, script, icon]

  private init(_ name: String, _ kind: String, _ contentType: String, _ bytes: [UInt8]) {
    let digest = APIKey.hexadecimal(APIKey.sha256(of: bytes)).prefix(16)
    path = "/assets/\(name)-\(digest).\(kind)"
    self.contentType = contentType
    self.bytes = bytes
  }
}
