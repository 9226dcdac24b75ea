"""A back end for Cinder whose volumes have a state and no contents: this cloud's hypervisor runs no guests that would read them.

Those of upstream's tests need another runtime than the other services here.
"""

from cinder.volume import driver

# Of the back end, in Cinder's settings.
NAME = "volumes"
GIGABYTES = 1000


class Driver(driver.VolumeDriver):
    VERSION = "1"

    def do_setup(self, context):
        pass

    def check_for_setup_error(self):
        pass

    def create_volume(self, volume):
        pass

    def delete_volume(self, volume):
        pass

    def create_snapshot(self, snapshot):
        pass

    def delete_snapshot(self, snapshot):
        pass

    def create_volume_from_snapshot(self, volume, snapshot):
        pass

    def create_cloned_volume(self, volume, source):
        pass

    def clone_image(self, context, volume, location, image, service):
        return {}, True

    def extend_volume(self, volume, size):
        pass

    def ensure_export(self, context, volume):
        pass

    def create_export(self, context, volume, connector):
        pass

    def remove_export(self, context, volume):
        pass

    def initialize_connection(self, volume, connector):
        return {"driver_volume_type": "fake", "data": {}}

    def terminate_connection(self, volume, connector, **more):
        pass

    def _update_volume_stats(self):
        self._stats = {
            "volume_backend_name": NAME,
            "vendor_name": "none",
            "driver_version": self.VERSION,
            "storage_protocol": "none",
            "total_capacity_gb": GIGABYTES,
            "free_capacity_gb": GIGABYTES,
            "reserved_percentage": 0,
        }
