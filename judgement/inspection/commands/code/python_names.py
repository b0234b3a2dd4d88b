"""Functions of Python, by what they do."""

from __future__ import annotations

SHELL = frozenset(
    {
        "os.system",
        "os.popen",
        "subprocess.getoutput",
        "subprocess.getstatusoutput",
        "commands.getoutput",
        "asyncio.create_subprocess_shell",
    }
)


PROCESS = frozenset(
    frozenset(
        """
        subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen pty.spawn
        asyncio.create_subprocess_exec os.posix_spawn
    """.split()
    )
)


READS = frozenset(
    {
        "read_text",
        "read_bytes",
        "shutil.copy",
        "shutil.copyfile",
        "shutil.copytree",
        "shutil.move",
        "linecache.getlines",
    }
)


TREES = frozenset({"shutil.rmtree", "os.removedirs", "distutils.dir_util.remove_tree"})


FILES = frozenset({"os.remove", "os.unlink", "os.rmdir"})


FETCHERS = tuple(
    """
    urllib.request.urlopen requests.get requests.post urlopen httpx.get urllib.urlopen urllib2.urlopen
    http.client.HTTPConnection aiohttp.ClientSession
""".split()
)


SENDERS = frozenset({"requests.post", "requests.put", "httpx.post", "httpx.put", "requests.request"})


CLOUD = frozenset(
    frozenset(
        """
        terminate_instances delete_bucket delete_objects delete_db_instance delete_stack delete_cluster
        delete_namespace delete_table delete_volume delete_snapshot delete_user
    """.split()
    )
)
