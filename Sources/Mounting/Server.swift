internal import CFuse
internal import Tree

/// What every request of a mount needs: the tree, and how its attributes are shown.
final class Server: Sendable {
    let tree: any FileTree
    let translation: AttributeTranslation
    let advice = ListingAdvice()

    init(tree: any FileTree, options: MountOptions) {
        self.tree = tree
        translation = AttributeTranslation(options)
    }

    /// The server of a request's mount; the mount keeps it alive until its last request is answered.
    static func of(_ request: fuse_req_t) -> Server? {
        guard let address = fuse_req_userdata(request) else { return nil }
        return Unmanaged<Server>.fromOpaque(address).takeUnretainedValue()
    }
}
