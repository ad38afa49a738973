"""The platform: everything that is not business."""
