// SPDX-License-Identifier: MIT
// Batches of images out of folders: a folder of a class each, threads that decode ahead.
#ifndef CLGRAD_LOADER_H
#define CLGRAD_LOADER_H

#include <clgrad/image_file.h>

CLG_BEGIN

typedef struct clg_image_folder_t *clg_image_folder;

// List the images of a folder: every folder in it is a class, by sorted names (bytes), and the
// files below that end in .png, .jpg or .jpeg are its images, folders and files sorted, as
// torchvision's ImageFolder has them. Links are followed.
//
// out     the list
// path    of the folder
// error   as of clg_write_atomic
// result  CLG_OK
// owns    release with clg_image_folder_close; *out is NULL on failure
// errors  CLG_EIO       cannot be read, or folders 32 deep
//         CLG_EFORMAT   no class, or a class without images
//         CLG_EINVAL    NULL; CLG_ENOMEM
// blocks  reads folders
CLG_API clg_status clg_image_folder_open(clg_image_folder *out, const char *path, char *error,
                                         size_t error_size);

// A list of the application's own: a part of another one, or files from anywhere.
//
// out     the list
// paths, labels   n files and their classes; labels may be NULL: all are of class 0
// n       1 or more
// classes, n_classes   names, 1 or more
// error   as of clg_write_atomic
// result  CLG_OK
// owns    release with clg_image_folder_close; *out is NULL on failure. Texts are copied
// errors  CLG_EINVAL    NULL, a number below 1 or beyond 2^31, a label outside of the classes
//         CLG_ENOMEM
// blocks  no
CLG_API clg_status clg_image_folder_create(clg_image_folder *out, const char *const *paths,
                                           const int *labels, int64_t n,
                                           const char *const *classes, int n_classes, char *error,
                                           size_t error_size);

// Release the list.
//
// f       its address; set to NULL. NULL and the address of NULL are fine
// errors  none
// blocks  no
CLG_API void clg_image_folder_close(clg_image_folder *f);

// Number of images.
//
// f       the list
// result  images; 0 for NULL
// errors  none
// blocks  no
CLG_API int64_t clg_image_folder_count(clg_image_folder f);

// Number of classes.
//
// f       the list
// result  classes; 0 for NULL
// errors  none
// blocks  no
CLG_API int clg_image_folder_classes(clg_image_folder f);

// Name of a class.
//
// f, i    the list, 0..classes-1
// result  the name; NULL for a number outside
// owns    belongs to the list
// errors  none
// blocks  no
CLG_API const char *clg_image_folder_class(clg_image_folder f, int i);

// An image's file and class.
//
// f, i    the list, 0..count-1
// label   gets the number of the class; may be NULL
// result  the path; NULL for a number outside
// owns    belongs to the list
// errors  none
// blocks  no
CLG_API const char *clg_image_folder_path(clg_image_folder f, int64_t i, int *label);

struct clg_image_loader_params {
    size_t size;
    int64_t batch;         // images; 0: 32
    int threads;           // that decode; 0: as many as cores
    int ahead;             // batches that are decoded before they are asked for; 0: 2
    clg_image_mode mode;   // UNCHANGED counts as RGB
    bool exif_orientation; // as of clg_image_open
    int64_t max_pixels;
    int64_t resize;         // the shorter side, antialiased bilinear as Pillow; 0: as it is
    int64_t height, width;  // cut out of the middle, a margin of 0 where it lacks; 0: all of it
    bool random_resized_crop; // instead: a random part, least_area to 1 of it, 3/4 to 4/3 wide, as
                              // height x width
    bool random_flip;         // every second image mirrored
    bool shuffle;             // another order in each epoch
    bool drop_last;           // no last batch that is smaller
    uint64_t seed;            // of order and draws, which are functions of seed, epoch and sample
    int64_t start_epoch, start; // where to begin: epoch and position of a batch before
    double least_area; // of a random part, up to 1; 0: 0.08
};
#define clg_image_loader_params(...)                                                               \
    (&(struct clg_image_loader_params) { .size = sizeof(struct clg_image_loader_params),           \
                                         __VA_ARGS__ })

typedef struct clg_image_loader_t *clg_image_loader;

// Start loading. Without height and width all images must come out as large as the first that can
// be read; others count as failed.
//
// out     the loader; its memory: ahead + 1 batches, and for each thread a file and its image
// f       must live as long
// p       may be NULL
// error   as of clg_write_atomic
// result  CLG_OK
// owns    release with clg_image_loader_close; *out is NULL on failure
// errors  CLG_EINVAL    NULL, or a number below 0 or beyond 2^31; a start behind the last image; a
//                       random crop without height and width; one of the two alone
//         CLG_EFORMAT   no image can be read (the first one's message)
//         CLG_ENOMEM    also where no thread can be started
// blocks  reads the first image where nothing tells the size
CLG_API clg_status clg_image_loader_open(clg_image_loader *out, clg_image_folder f,
                                         const struct clg_image_loader_params *p, char *error,
                                         size_t error_size);

// Images in the order of the epoch; it belongs to the loader, until the next call.
typedef struct clg_image_batch {
    int64_t n;        // images; 0: the epoch is over, and the next call begins another
    clg_shape shape;  // [n,height,width,C]
    const uint8_t *pixels;
    const int64_t *labels, *samples; // class, and number in the folder
    int64_t epoch, position; // what start_epoch and start have to be to go on behind this batch
} clg_image_batch;

// The next batch. Files that cannot be read are left out, so that a batch may be smaller.
//
// l       the loader
// out     the batch
// result  CLG_OK
// errors  CLG_EINVAL    NULL
// blocks  until its images are decoded
CLG_API clg_status clg_image_loader_next(clg_image_loader l, clg_image_batch *out);

// Files that could not be read so far.
//
// l       the loader
// text    gets the last one's message, which names it; may be NULL
// size    bytes at text
// result  their number; 0 for NULL
// errors  none
// blocks  no
CLG_API int64_t clg_image_loader_failed(clg_image_loader l, char *text, size_t size);

// Stop and release.
//
// l       its address; set to NULL. NULL and the address of NULL are fine
// errors  none
// blocks  until the images that are being decoded are
CLG_API void clg_image_loader_close(clg_image_loader *l);

CLG_END
#endif
