// swift-tools-version: 6.2

import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

func room(_ name: String, knows dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(of name: String, knows dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.target(name: name), "TestSupport"] + dependencies,
        swiftSettings: strict)
}

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

let package = Package(
    name: "osnovafs",
    products: [
        .library(name: "OsnovaStorage", targets: ["OsnovaStorage"]),
        .executable(name: "osnovafs", targets: ["osnovafs"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        .systemLibrary(name: "CFuse", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev", "fuse3"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),

        .target(name: "CChaCha20Poly1305"),
        .target(name: "CSHA256"),
        room("Primitives", knows: ["CLinux", "CSodium", "COpenSSL", "CChaCha20Poly1305", "CSHA256", "CZstd", system]),
        room("Sealing", knows: ["Primitives", system]),
        room("Keyring", knows: ["Primitives"]),
        room("Blobs", knows: ["Primitives", system]),
        room("Tree", knows: ["Primitives"]),
        room(
            "Catalog",
            knows: [
                "Primitives", "Tree", system,
                .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        room(
            "OsnovaStorage",
            knows: [
                "Primitives", "Sealing", "Keyring", "Blobs", "Catalog", "Tree", "CLinux", system,
                .product(name: "Logging", package: "swift-log"),
            ]),
        room("Mounting", knows: ["Primitives", "Tree", "CFuse", system]),
        .executableTarget(
            name: "osnovafs",
            dependencies: [
                "Primitives", "Keyring", "Catalog", "OsnovaStorage", "Mounting", "Tree", system,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),

        .executableTarget(
            name: "osnovafs-benchmarks",
            dependencies: [
                "OsnovaStorage", "Catalog", "Keyring", "Sealing", "Primitives", "Tree", "CSodium", system,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        // What an author of an application begins with: it knows the library product alone.
        .executableTarget(
            name: "osnova-example", dependencies: ["OsnovaStorage"], path: "Examples/Notebook", swiftSettings: strict),

        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        tests(of: "Primitives", knows: [system]),
        tests(of: "Sealing", knows: ["Primitives", "CSodium", system]),
        tests(of: "Keyring", knows: ["Primitives"]),
        tests(of: "Blobs", knows: ["Primitives"]),
        tests(of: "Tree", knows: ["Primitives"]),
        tests(of: "Catalog", knows: ["Primitives", "Tree", .product(name: "GRDB", package: "GRDB.swift")]),
        tests(of: "OsnovaStorage", knows: ["Primitives", "Sealing", "Keyring", "Blobs", "Catalog", "Tree", system]),
        tests(of: "Mounting", knows: ["Primitives", "Tree", system]),
        .testTarget(
            name: "LibraryTests",
            dependencies: [
                "Catalog", "OsnovaStorage", "Primitives", "Keyring", "Tree", "TestSupport", "osnovafs-benchmarks",
                .product(name: "GRDB", package: "GRDB.swift"), .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "KeepingTests",
            dependencies: [
                "OsnovaStorage", "Catalog", "Blobs", "Keyring", "Sealing", "Primitives", "TestSupport", system,
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict),
        .testTarget(name: "ProgramTests", dependencies: ["osnovafs", "TestSupport"], swiftSettings: strict),
    ]
)
