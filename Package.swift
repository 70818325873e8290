// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target: Swift 6 mode, warnings as errors, and `unsafe` spelled out wherever memory safety
/// rests on us and not on the compiler, so that the word greps as the fence around such code.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .strictMemorySafety(),
  .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Targets on the data path. Cross-module optimisation lets the compiler inline and specialise across our few
/// module walls; the dynamic exclusivity check is replaced by the static one, which ~Copyable structs always get.
let dataPath: [SwiftSetting] =
  strict + [
    .unsafeFlags(
      ["-enforce-exclusivity=unchecked", "-cross-module-optimization"],
      .when(configuration: .release))
  ]

let strictC: [CSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]

/// The C shims: the only code that touches the kernel's and the libraries' C interfaces.
let shims: [Target] = [
  .target(name: "CLinux", cSettings: strictC),
  .target(name: "CIOUring", cSettings: strictC, linkerSettings: [.linkedLibrary("uring")]),
  .target(name: "CScan", cSettings: strictC),
  // Hashes, ciphers and (with TLS) the record layer: Debian's security team keeps it current.
  .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
  // Many hashes side by side, by Intel's multi-buffer library, loaded where it is there: one hash after the other was a
  // seventh of what a recorded call costs.
  .target(name: "CDigest", cSettings: strictC, linkerSettings: [.linkedLibrary("dl")]),
  // TLS between two pieces of memory: the only code that sees OpenSSL's connections.
  .target(name: "CTLS", dependencies: ["COpenSSL"], cSettings: strictC),
  // Vectorscan: regular expressions in linear time, compiled at load, scanned without allocation.
  .systemLibrary(name: "CHyperscan", pkgConfig: "libhs", providers: [.apt(["libvectorscan-dev"])]),
  // libcurl, loaded when first needed: HTTP and TLS streams for the control plane (identity providers, sinks).
  .target(name: "CCurl", cSettings: strictC, linkerSettings: [.linkedLibrary("dl")]),
  // llhttp as Debian's node-llhttp ships it: the second opinion on HTTP, for fuzzing and benchmarks only.
  .target(
    name: "CLLHTTP", path: "Tests/Fuzz/CLLHTTP",
    cSettings: [.unsafeFlags(["-I/usr/share/include/llhttp"])]),
]

/// The data plane and its tests: no package from outside.
let dataPlane: [Target] = [
  // JSON as values and texts, for what is written and read now and then; messages are Wire's.
  .target(name: "PlainJSON", swiftSettings: strict),
  .target(name: "EventLoop", dependencies: ["CLinux", "CIOUring"], swiftSettings: dataPath),
  .target(name: "Wire", dependencies: ["CScan"], swiftSettings: dataPath),
  .target(name: "Policy", dependencies: ["Wire", "CHyperscan"], swiftSettings: dataPath),
  .target(
    name: "Identity",
    dependencies: [
      "Policy", "Wire", "COpenSSL", "CTLS", .product(name: "JWTKit", package: "jwt-kit"),
    ],
    swiftSettings: dataPath),
  .target(name: "Audit", dependencies: ["CLinux", "COpenSSL", "CDigest"], swiftSettings: dataPath),
  .target(
    name: "Proxy",
    dependencies: [
      "EventLoop", "Wire", "Policy", "Identity", "Audit", "PlainJSON", "CLinux", "COpenSSL",
    ],
    swiftSettings: dataPath),
  .executableTarget(
    name: "sluice-benchmarks", dependencies: ["Wire", "Policy", "Audit", "CScan", "CLLHTTP"],
    path: "Benchmarks", swiftSettings: dataPath),
  .testTarget(name: "EventLoopTests", dependencies: ["EventLoop"], swiftSettings: strict),
  .testTarget(name: "WireTests", dependencies: ["Wire", "CScan"], swiftSettings: strict),
  .testTarget(name: "PolicyTests", dependencies: ["Policy", "Wire"], swiftSettings: strict),
  // Certificates for tests (by the openssl command), and ends of TLS connections in memory.
  .target(
    name: "TLSTestSupport", dependencies: ["Identity"], path: "Tests/TLSTestSupport",
    swiftSettings: strict),
  // Keys and tokens for tests: what an identity provider would make.
  .target(
    name: "IdentityTestSupport",
    dependencies: ["Identity", .product(name: "JWTKit", package: "jwt-kit")],
    path: "Tests/IdentityTestSupport", swiftSettings: strict),
  .testTarget(
    name: "IdentityTests",
    dependencies: ["Identity", "Policy", "TLSTestSupport", "IdentityTestSupport"],
    swiftSettings: strict),
  // Folders and calls for tests that record.
  .target(
    name: "AuditTestSupport", dependencies: ["Audit"], path: "Tests/AuditTestSupport",
    swiftSettings: strict),
  .testTarget(
    name: "AuditTests", dependencies: ["Audit", "AuditTestSupport"], swiftSettings: strict),
  .testTarget(
    name: "ProxyTests",
    dependencies: [
      "Proxy", "EventLoop", "Wire", "Policy", "Identity", "Audit", "TLSTestSupport",
      "IdentityTestSupport",
    ],
    swiftSettings: strict),
  // Carries calls through a simulated worker, for the counts of `Scripts/call-counts`.
  .executableTarget(
    name: "data-path-probe",
    dependencies: ["Proxy", "EventLoop", "Wire", "Policy", "Identity", "Audit"],
    path: "Tests/CallCounts/Probe", swiftSettings: dataPath),
]

/// Fuzz targets: a C program each, which libFuzzer drives in a fuzz build (`Scripts/fuzz`) and which replays files given to
/// it in any other build. The Swift half of each says what must hold.
let fuzzers: [Target] = [
  .target(
    name: "WireFuzzing", dependencies: ["Wire", "CLLHTTP"], path: "Tests/Fuzz/WireFuzzing",
    swiftSettings: strict),
  .target(
    name: "PolicyFuzzing", dependencies: ["Policy", "Wire", "CScan"],
    path: "Tests/Fuzz/PolicyFuzzing", swiftSettings: strict),
  .executableTarget(
    name: "JSONFuzz", dependencies: ["PolicyFuzzing"], path: "Tests/Fuzz/JSONFuzz"),
  .executableTarget(name: "HTTPFuzz", dependencies: ["WireFuzzing"], path: "Tests/Fuzz/HTTPFuzz"),
  .executableTarget(name: "SSEFuzz", dependencies: ["WireFuzzing"], path: "Tests/Fuzz/SSEFuzz"),
  .executableTarget(
    name: "StreamFuzz", dependencies: ["PolicyFuzzing"], path: "Tests/Fuzz/StreamFuzz"),
  // Tells what our reader makes of messages, for the comparison with readers of other languages (`Tests/Integration`).
  .executableTarget(
    name: "json-reader", dependencies: ["Wire"], path: "Tests/Fuzz/JSONReader",
    swiftSettings: strict),
]

/// The control plane, the command and the example server: ordinary Swift on well-kept packages.
let controlPlane: [Target] = [
  // Not plain `Configuration`: a package behind Hummingbird has a module of that name, and names must be unique.
  .target(
    name: "SluiceConfiguration",
    dependencies: [
      "Policy", "Identity", "Audit", "PlainJSON", "CLinux",
      .product(name: "Yams", package: "Yams"),
    ],
    path: "Sources/Configuration",
    // Read once at start and at each reload. The optimiser would make every table of keys anew for every type of value: 80 s
    // of processor time in each release build, for a longer program.
    swiftSettings: strict + [.unsafeFlags(["-Onone"], .when(configuration: .release))]),
  // What a gateway says of itself: values that several parts fill in and several show.
  .target(name: "Status", swiftSettings: strict),
  .target(name: "Outbound", dependencies: ["CCurl"], swiftSettings: strict),
  .target(
    name: "Recorder", dependencies: ["Audit", "COpenSSL", "Outbound", "PlainJSON"],
    swiftSettings: strict),
  .target(
    name: "Approvals", dependencies: [.product(name: "GRDB", package: "GRDB.swift")],
    swiftSettings: strict),
  .target(
    name: "Console",
    dependencies: [
      "Approvals", "Recorder", "Audit", "Outbound", "Identity", "Status", "PlainJSON", "COpenSSL",
      .product(name: "Hummingbird", package: "hummingbird"),
      .product(name: "Mustache", package: "swift-mustache"),
      .product(name: "JWTKit", package: "jwt-kit"),
      .product(name: "Logging", package: "swift-log"),
    ],
    // In the binary, so that it stays one file.
    resources: [
      .embedInCode("Resources/layout.mustache"), .embedInCode("Resources/login.mustache"),
      .embedInCode("Resources/approvals.mustache"), .embedInCode("Resources/approval.mustache"),
      .embedInCode("Resources/card.mustache"), .embedInCode("Resources/arguments.mustache"),
      .embedInCode("Resources/decisions.mustache"), .embedInCode("Resources/decide.mustache"),
      .embedInCode("Resources/failure.mustache"), .embedInCode("Resources/sessions.mustache"),
      .embedInCode("Resources/timeline.mustache"), .embedInCode("Resources/servers.mustache"),
      .embedInCode("Resources/policies.mustache"), .embedInCode("Resources/status.mustache"),
      .embedInCode("Resources/console.css"),
      .embedInCode("Resources/console.js"), .embedInCode("Resources/favicon.svg"),
      .embedInCode("Resources/openapi.json"),
    ],
    swiftSettings: strict),
  .target(
    name: "Bridge",
    dependencies: [
      "CLinux", "Wire", "Identity", "PlainJSON",
      .product(name: "Hummingbird", package: "hummingbird"),
      .product(name: "Subprocess", package: "swift-subprocess"),
      .product(name: "Logging", package: "swift-log"),
    ],
    swiftSettings: strict),
  .target(
    name: "ControlPlane",
    dependencies: [
      "Proxy", "EventLoop", "SluiceConfiguration", "Policy", "Identity", "Audit", "Recorder",
      "Approvals", "Outbound", "Bridge", "Status", "CLinux",
      .product(name: "Hummingbird", package: "hummingbird"),
      .product(name: "Logging", package: "swift-log"),
    ],
    swiftSettings: strict),
  .target(
    name: "ExampleServer",
    dependencies: [
      "PlainJSON",
      .product(name: "Hummingbird", package: "hummingbird"),
      .product(name: "GRDB", package: "GRDB.swift"),
      .product(name: "Logging", package: "swift-log"),
    ],
    swiftSettings: strict),
  .executableTarget(
    name: "sluice",
    dependencies: [
      "Proxy", "EventLoop", "SluiceConfiguration", "Policy", "Identity", "Audit", "Recorder",
      "ExampleServer", "ControlPlane", "Console", "Approvals", "Bridge", "Outbound", "Status",
      "PlainJSON", "CLinux",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
      .product(name: "Logging", package: "swift-log"),
    ],
    swiftSettings: strict,
    // The Swift runtime linked in: no Swift needs to be installed where it runs, and only the pages of it that are used
    // are ever in memory.
    linkerSettings: [
      .unsafeFlags(
        [
          "-static-stdlib", "-lCoreFoundation", "-l_FoundationICU", "-l_FoundationCShims",
          "-l_FoundationCollections", "-lstdc++",
        ], .when(configuration: .release))
    ]),
  .testTarget(
    name: "ConfigurationTests",
    dependencies: ["SluiceConfiguration", "Policy", "Identity", "PlainJSON", "TLSTestSupport"],
    swiftSettings: strict),
  .testTarget(
    name: "ExampleServerTests", dependencies: ["ExampleServer", "PlainJSON"],
    swiftSettings: strict),
  .testTarget(
    name: "SluiceTests",
    dependencies: [
      "sluice", "SluiceConfiguration", "Policy", "Recorder", "ExampleServer", "ControlPlane",
      "Outbound", "Console", "Status", "PlainJSON",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
      .product(name: "Logging", package: "swift-log"),
    ],
    swiftSettings: strict),
  .testTarget(
    name: "RecorderTests", dependencies: ["Recorder", "Audit", "AuditTestSupport"],
    exclude: ["Fixtures"],
    swiftSettings: strict),
  .testTarget(
    name: "OutboundTests", dependencies: ["Outbound", "Identity", "TLSTestSupport"],
    swiftSettings: strict),
  .testTarget(
    name: "ApprovalsTests",
    dependencies: ["Approvals", .product(name: "GRDB", package: "GRDB.swift")],
    swiftSettings: strict),
  // Approvals in memory and data of every kind that people and attackers send: for tests, and for looking at the pages.
  .target(
    name: "ConsoleSamples", dependencies: ["Console", "Approvals", "Status"],
    path: "Tests/ConsoleSamples",
    swiftSettings: strict),
  // The console over those samples, as a program: what the browser tests look at.
  .executableTarget(
    name: "console-preview",
    dependencies: [
      "ConsoleSamples", "Console", "Approvals", "Recorder", "Status",
      .product(name: "Logging", package: "swift-log"),
    ],
    path: "Tests/ConsolePreview", swiftSettings: strict),
  // Asks a router of the control plane, without a server between.
  .target(
    name: "RouterTestSupport",
    dependencies: [
      .product(name: "Hummingbird", package: "hummingbird"),
      .product(name: "NIOEmbedded", package: "swift-nio"),
      .product(name: "Logging", package: "swift-log"),
    ],
    path: "Tests/RouterTestSupport", swiftSettings: strict),
  .testTarget(
    name: "ConsoleTests",
    dependencies: [
      "Console", "ConsoleSamples", "Approvals", "Recorder", "Identity", "Outbound", "Status",
      "TLSTestSupport", "Audit", "AuditTestSupport", "RouterTestSupport",
      .product(name: "Logging", package: "swift-log"),
      .product(name: "JWTKit", package: "jwt-kit"),
    ],
    swiftSettings: strict),
  .testTarget(
    name: "BridgeTests",
    dependencies: ["Bridge", "Identity", .product(name: "Logging", package: "swift-log")],
    swiftSettings: strict),
  .testTarget(
    name: "ControlPlaneTests",
    dependencies: [
      "ControlPlane", "SluiceConfiguration", "Proxy", "Policy", "Identity", "Outbound", "Audit",
      "EventLoop", "Approvals", "Recorder", "Status", "CLinux", "RouterTestSupport",
      .product(name: "Logging", package: "swift-log"),
    ],
    swiftSettings: strict),
]

/// The bundled load tools: perf/README.md says how to use them.
let tools: [Target] = [
  .target(
    name: "PerfKit",
    dependencies: [
      "EventLoop", "CLinux", .product(name: "Histogram", package: "hdrhistogram-swift"),
    ],
    path: "perf/PerfKit", swiftSettings: dataPath),
  .executableTarget(
    name: "sluice-load",
    dependencies: [
      "PerfKit", "EventLoop", .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ],
    path: "perf/sluice-load", swiftSettings: strict),
  .executableTarget(
    name: "sluice-model-server",
    dependencies: [
      "PerfKit", "EventLoop", .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ],
    path: "perf/sluice-model-server", swiftSettings: strict),
  .testTarget(
    name: "PerfTests", dependencies: ["PerfKit", "EventLoop"], path: "perf/PerfTests",
    swiftSettings: strict),
]

let package = Package(
  name: "sluice",
  dependencies: [
    // Command line: parsing, help, completion scripts.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // The logging interface every Swift server library speaks.
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    // YAML with line and column marks for every node, which the strict configuration reader needs.
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    // SQLite for the example server and the approval store.
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // HTTP for the example server, the console and the bridge: control plane only. Without its reader of configuration,
    // which is a package of its own.
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1",
      traits: ["FullFoundation"]),
    // What Hummingbird stands on: its channels without sockets, for tests of routers.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    // Pages from templates that escape what they are given.
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    // JSON Web Tokens and key sets of identity providers.
    .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    // Child processes with process groups and orderly ends, for servers on standard input and output.
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    // High dynamic range histograms for the load generator.
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: shims + dataPlane + fuzzers + controlPlane + tools
)
