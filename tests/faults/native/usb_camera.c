/* A USB camera for a program that is started with this preloaded (LD_PRELOAD): where its kernel has
 * no V4L2, the questions of linux/videodev2.h are answered here, before the system call.
 *
 * The camera is the file at USB_CAMERA: raw pictures (YUYV, WIDTH × HEIGHT), shown one after the
 * other at RATE a second, over and over. Its one mode, and its buffers, are those of a camera that
 * streams into mapped memory; of what such a program asks nothing else is known.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PICTURE_BYTES (2 * WIDTH * HEIGHT)
#define BUFFER_BYTES ((PICTURE_BYTES + 4095) & ~4095) /* mapped by the page */
#define BUFFERS 4
#define MOST_FDS 1024

struct camera {
  bool open;
  uint32_t waiting[BUFFERS]; /* buffers to be filled, the oldest first */
  int waits;
  int64_t shown; /* the number of the newest picture, since 1970 */
};

static struct camera cameras[MOST_FDS];
static int (*next_open)(const char *, int, ...);
static int (*next_ioctl)(int, unsigned long, ...);

__attribute__((constructor)) static void find_next(void) {
  next_open = dlsym(RTLD_NEXT, "open64");
  next_ioctl = dlsym(RTLD_NEXT, "ioctl");
}

/* A file in memory stands for the device: its buffers are mapped from it as from the kernel. */
static int open_camera(void) {
  int fd = memfd_create("usb-camera", MFD_CLOEXEC);
  if (fd < 0 || fd >= MOST_FDS || ftruncate(fd, BUFFERS * BUFFER_BYTES)) return -1;
  cameras[fd] = (struct camera){.open = true};
  return fd;
}

static int open_any(const char *path, int flags, mode_t mode) {
  const char *camera = getenv("USB_CAMERA");
  return camera && !strcmp(path, camera) ? open_camera() : next_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = va_arg(more, mode_t);
  va_end(more);
  return open_any(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = va_arg(more, mode_t);
  va_end(more);
  return open_any(path, flags, mode);
}

static int refuse(int why) {
  errno = why;
  return -1;
}

/* The next picture of the wall clock into the buffer that has waited longest. */
static int show(int fd, struct camera *camera, struct v4l2_buffer *buffer) {
  static uint8_t picture[PICTURE_BYTES];
  struct timespec now;
  if (!camera->waits) return refuse(EAGAIN);
  for (;;) {
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t number = now.tv_sec * RATE + now.tv_nsec * RATE / 1000000000;
    if (number > camera->shown) {
      camera->shown = number;
      break;
    }
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  int file = next_open(getenv("USB_CAMERA"), O_RDONLY | O_CLOEXEC);
  if (file < 0) return refuse(ENODEV); /* it was unplugged */
  off_t count = lseek(file, 0, SEEK_END) / PICTURE_BYTES;
  ssize_t got = pread(file, picture, PICTURE_BYTES, camera->shown % count * PICTURE_BYTES);
  close(file);
  buffer->index = camera->waiting[0];
  camera->waits--;
  memmove(camera->waiting, camera->waiting + 1, sizeof(uint32_t) * (size_t)camera->waits);
  if (got != PICTURE_BYTES ||
      pwrite(fd, picture, PICTURE_BYTES, buffer->index * BUFFER_BYTES) != PICTURE_BYTES)
    return refuse(EIO);
  clock_gettime(CLOCK_MONOTONIC, &now);
  buffer->bytesused = PICTURE_BYTES;
  buffer->timestamp.tv_sec = now.tv_sec;
  buffer->timestamp.tv_usec = now.tv_nsec / 1000;
  buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
  return 0;
}

static void tell_format(struct v4l2_format *format) {
  format->fmt.pix = (struct v4l2_pix_format){
      .width = WIDTH,
      .height = HEIGHT,
      .pixelformat = V4L2_PIX_FMT_YUYV,
      .field = V4L2_FIELD_NONE,
      .bytesperline = 2 * WIDTH,
      .sizeimage = PICTURE_BYTES,
  };
}

static int answer(int fd, unsigned long request, void *asked) {
  struct camera *camera = &cameras[fd];
  switch (request) {
    case VIDIOC_QUERYCAP: {
      struct v4l2_capability *able = asked;
      memset(able, 0, sizeof *able);
      strcpy((char *)able->driver, "uvcvideo");
      strcpy((char *)able->card, "Classroom Camera");
      able->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
      able->capabilities = able->device_caps | V4L2_CAP_DEVICE_CAPS;
      return 0;
    }
    case VIDIOC_ENUM_FMT: {
      struct v4l2_fmtdesc *format = asked;
      format->pixelformat = V4L2_PIX_FMT_YUYV;
      return format->index ? refuse(EINVAL) : 0;
    }
    case VIDIOC_ENUM_FRAMESIZES: {
      struct v4l2_frmsizeenum *size = asked;
      size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
      size->discrete = (struct v4l2_frmsize_discrete){WIDTH, HEIGHT};
      return size->index ? refuse(EINVAL) : 0;
    }
    case VIDIOC_ENUM_FRAMEINTERVALS: {
      struct v4l2_frmivalenum *interval = asked;
      interval->type = V4L2_FRMIVAL_TYPE_DISCRETE;
      interval->discrete = (struct v4l2_fract){1, RATE};
      return interval->index ? refuse(EINVAL) : 0;
    }
    case VIDIOC_G_INPUT:
      *(int *)asked = 0;
      return 0;
    case VIDIOC_S_INPUT:
    case VIDIOC_ENUMINPUT:
    case VIDIOC_STREAMON:
    case VIDIOC_STREAMOFF:
      return 0;
    case VIDIOC_G_FMT:
    case VIDIOC_S_FMT:
      tell_format(asked);
      return 0;
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM: {
      struct v4l2_captureparm *parameters = &((struct v4l2_streamparm *)asked)->parm.capture;
      parameters->capability = V4L2_CAP_TIMEPERFRAME;
      parameters->timeperframe = (struct v4l2_fract){1, RATE};
      return 0;
    }
    case VIDIOC_REQBUFS: {
      struct v4l2_requestbuffers *wanted = asked;
      if (wanted->count > BUFFERS) wanted->count = BUFFERS;
      return 0;
    }
    case VIDIOC_QUERYBUF: {
      struct v4l2_buffer *buffer = asked;
      buffer->length = BUFFER_BYTES;
      buffer->m.offset = buffer->index * BUFFER_BYTES;
      return buffer->index < BUFFERS ? 0 : refuse(EINVAL);
    }
    case VIDIOC_QBUF: {
      struct v4l2_buffer *buffer = asked;
      if (buffer->index >= BUFFERS || camera->waits >= BUFFERS) return refuse(EINVAL);
      camera->waiting[camera->waits++] = buffer->index;
      return 0;
    }
    case VIDIOC_DQBUF:
      return show(fd, camera, asked);
    default:
      return refuse(ENOTTY); /* as the kernel of what it does not know */
  }
}

int ioctl(int fd, unsigned long request, ...) {
  va_list more;
  va_start(more, request);
  void *asked = va_arg(more, void *);
  va_end(more);
  bool ours = fd >= 0 && fd < MOST_FDS && cameras[fd].open && _IOC_TYPE(request) == 'V';
  return ours ? answer(fd, (uint32_t)request, asked) : next_ioctl(fd, request, asked);
}
