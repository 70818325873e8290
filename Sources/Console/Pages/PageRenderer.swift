internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import Mustache
internal import NIOCore

/// Makes pages from templates. Only `layout` puts in text as it is, and what it puts in was made by another template.
struct PageRenderer: Sendable {
  private let library: MustacheLibrary

  init() {
    var library = MustacheLibrary()
    for (name, bytes) in PageRenderer.templates {
      // Every value goes through `HostileText`; the library's own escaping goes by characters.
      let text =
        "{{% CONTENT_TYPE:\(HostileTextContentType.name)}}" + String(decoding: bytes, as: UTF8.self)
      do {
        try library.register(text, named: name)
      } catch {
        preconditionFailure("the template \(name) cannot be read: \(error)")
      }
    }
    self.library = library
  }

  static let templates: [(name: String, bytes: [UInt8])] = {
    MustacheContentTypes.register(HostileTextContentType(), named: HostileTextContentType.name)
    return [
      ("layout", PackageResources.layout_mustache), ("login", PackageResources.login_mustache),
      ("approvals", PackageResources.approvals_mustache),
      ("approval", PackageResources.approval_mustache), ("card", PackageResources.card_mustache),
      ("arguments", PackageResources.arguments_mustache),
      ("decisions", PackageResources.decisions_mustache),
      ("decide", PackageResources.decide_mustache), ("failure", PackageResources.failure_mustache),
      ("sessions", PackageResources.sessions_mustache),
      ("timeline", PackageResources.timeline_mustache),
      ("servers", PackageResources.servers_mustache),
      ("policies", PackageResources.policies_mustache),
      ("status", PackageResources.status_mustache),
    ]
  }()

  /// A whole page.
  func page(
    _ template: String, _ content: Any, title: String, frame: PageFrame = PageFrame(),
    status: HTTPResponse.Status = .ok
  ) -> Response {
    let layout = LayoutView(
      title: title, frame: frame, style: Asset.style.path, script: Asset.script.path,
      icon: Asset.icon.path, content: render(template, content))
    return Response(
      status: status, headers: [.contentType: "text/html; charset=utf-8"],
      body: .init(byteBuffer: ByteBuffer(string: render("layout", layout))))
  }

  func login(_ view: LoginView, status: HTTPResponse.Status) -> Response {
    page("login", view, title: "Sign in", status: status)
  }

  func failure(_ failure: ConsoleFailure, viewer context: ConsoleContext) -> Response {
    page(
      "failure", FailureView(title: failure.title, detail: failure.detail), title: failure.title,
      frame: PageFrame(context), status: failure.status)
  }

  private func render(_ template: String, _ content: Any) -> String {
    guard let text = library.render(content, withTemplate: template) else {
      preconditionFailure("there is no template \(template)")
    }
    return text
  }
}

/// What stands around every page: who is signed in, and where one can go.
struct PageFrame {
  var viewerName: String?
  var role: String?
  var forgeryToken: String?
  var links: [Link] = []
  var notice: String?

  struct Link {
    var path: String
    var label: String
    var isCurrent: Bool
  }

  init() {}

  init(_ context: ConsoleContext) {
    guard case .session(_, let session) = context.access else { return }
    viewerName = session.viewer.name
    forgeryToken = session.forgeryToken
    links = [Link(path: "/approvals", label: "Approvals", isCurrent: false)]
  }

  init(_ context: ConsoleContext, _ core: ConsoleCore, current: String) {
    guard case .session(let id, let session) = context.access else { return }
    viewerName = session.viewer.name
    forgeryToken = session.forgeryToken
    notice = core.sessions.takeNotice(for: id)
    let permissions = core.permissions(of: session.viewer)
    role =
      permissions == .admin ? "administrator" : permissions == .auditor ? "auditor" : "reviewer"
    links = ConsoleSection.all
      .filter { permissions.isSuperset(of: $0.needs) && core.has($0) }
      .map { Link(path: $0.path, label: $0.label, isCurrent: $0.path == current) }
  }
}

/// The parts of the console, in the order of its navigation.
struct ConsoleSection: Sendable {
  var path: String
  var label: String
  var needs: Permissions

  static let all = [
    ConsoleSection(path: "/approvals", label: "Approvals", needs: []),
    ConsoleSection(path: "/history", label: "History", needs: []),
    ConsoleSection(path: "/sessions", label: "Sessions", needs: .sessions),
    ConsoleSection(path: "/servers", label: "Servers", needs: .servers),
    ConsoleSection(path: "/policies", label: "Policies", needs: .policies),
    ConsoleSection(path: "/status", label: "Status", needs: .status),
  ]
}

struct LayoutView {
  var title: String
  var frame: PageFrame
  var style: String
  var script: String
  var icon: String
  var content: String
}

struct LoginView {
  var next: String
  var forgeryToken: String
  var problem: String?
  var hasPassword: Bool
  var isOneTime: Bool
  var name: String
  var provider: String?
  var providerLink: String
}

struct FailureView {
  var title: String
  var detail: String
}
