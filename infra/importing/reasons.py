"""Why something is not carried over, and what to do instead."""

from typing import Final, NamedTuple


class Reason(NamedTuple):
    """The two halves of a line."""

    why: str
    advice: str


NO_COUNTERPART: Final = Reason("a stack file has no counterpart", "remove it, or set what it did another way")
WRONG_TYPE: Final = Reason("its type is not the one of the format", "correct it and import again")
CLIENT_SETTING: Final = Reason("it is a setting of the client", "keep it in the client's configuration")
NOT_A_SERVER: Final = Reason("it is not a mapping", "use a mapping with command or url")
DISABLED: Final = Reason("it is disabled in the client", "remove `disabled` and import again, if it should run")
LOCAL_PROGRAM: Final = Reason(
    "it runs a program of this machine",
    "build an image of it, and set image, transport: stdio and command",
)
SHELL: Final = Reason("it runs a shell script", "set the command that the script runs, and import again")
NO_COMMAND: Final = Reason("it has neither command nor url", "set one of them and import again")
NO_PACKAGE: Final = Reason("its command names no package", "set package in a service of your own")
NOT_IN_REGISTRY: Final = Reason(
    "its package is a file, an URL or a repository, which has no fixed version in a registry",
    "publish a version, or build an image",
)
NO_IMAGE: Final = Reason("its command names no image", "set image in a service of your own")
LOCAL_URL: Final = Reason("its URL is a server on this machine", "import the way in which that server is started")
SSE_ONLY: Final = Reason(
    "it serves HTTP+SSE, the transport of revision 2024-11-05",
    "use the URL or the option with which the server serves streamable HTTP",
)
NO_URL: Final = Reason("its URL is not http or https with a host", "set url in a service of your own")
WORKING_DIRECTORY: Final = Reason("it is a folder of this machine", "use an image whose working directory fits")
MACHINE_FILE: Final = Reason(
    "it is a file of this machine",
    "create a Secret from it with kubectl create secret generic NAME --from-env-file=FILE, and set env_from",
)
SECRET_ARGUMENT: Final = Reason(
    "it is a secret, and the command of a package cannot read a Secret",
    "set the variable that the server reads in secret_env",
)
COMMAND_OPTION: Final = Reason("it is an option of the command that ran the server", "remove it")
RESERVED_HEADER: Final = Reason("HTTP, MCP or the bridge sets this header", "remove it")
EXTRAS: Final = Reason("its package has extras, which the key package has not", "build an image of it")
OTHER_RESOURCE: Final = Reason("it is no MCPServer", "apply it to the cluster yourself, in the namespace of the stack")
NOT_A_RESOURCE: Final = Reason("it is not a mapping with spec", "correct it and import again")
PROXY: Final = Reason("it configures the proxy that the mesh and the bridge replace", "remove it")
HOST_PATH: Final = Reason(
    "a pod does not see folders of its node",
    "set volumes and volume_mounts with a ConfigMap, a Secret or a PersistentVolumeClaim",
)
QUANTITY: Final = Reason("the amounts of CPU and memory are not ones that a stack accepts", "set resources")
DEPENDENCY: Final = Reason(
    "its image is that of a database or another part that is no MCP server",
    "deploy it with its own chart, and name it in cluster_dependencies of the services that call it",
)
BIND: Final = Reason(
    "it is a folder or file of this machine",
    "put it into a ConfigMap or a Secret, or into the image, and set volumes and volume_mounts",
)
SOCKET: Final = Reason("it gives control of the machine", "use a server that needs no container engine")
USER: Final = Reason("the user is no number above 0", "set run_as_user to the number of the image's user")
